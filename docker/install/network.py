"""How pip, uv and the conda installer reach their packages: indexes, credentials, authorities.

What says it is the kit's network settings and pip's own configuration (pip.conf and PIP_*). The
first are put into pip's words here and, because uv does not read those, all of them into uv's.
Everything stays in the variables of child processes: nothing of it enters a layer, a log or a
command line.
"""

import json
import os
import shutil
import subprocess
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from tools import find_pip

# What pip's settings are called in uv's environment; the others are in uv_environment, or make pip
# the installer (requirements.py), or change how pip shows and stores things, not what it installs.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "constraint": "UV_CONSTRAINT",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",  # what PIP_DEFAULT_TIMEOUT is listed as
    "retries": "UV_HTTP_RETRIES",
    "client-cert": "SSL_CLIENT_CERT",
}


def pip_environment(pip_config: str, ca_file: str, cache: str, scratch: str) -> "dict":
    """Return the variables that pip runs with; an empty or absent file changes nothing."""
    environ = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore")
    # Nobody is there to be asked for a password.
    environ["PIP_NO_INPUT"] = "1"
    # A PYTHONPATH of the host would be seen before the environment's own packages.
    environ.pop("PYTHONPATH", None)
    if cache:
        environ["PIP_CACHE_DIR"] = os.path.join(cache, "pip")
    if is_filled(pip_config):
        environ["PIP_CONFIG_FILE"] = pip_config
    if is_filled(ca_file):
        bundle = os.path.join(scratch, "ca.pem")
        with open(bundle, "wb") as target:
            for source in (public_authorities(scratch), ca_file):
                with open(source, "rb") as file:
                    shutil.copyfileobj(file, target)
                target.write(b"\n")
        environ.update(PIP_CERT=bundle, SSL_CERT_FILE=bundle, REQUESTS_CA_BUNDLE=bundle)
    return environ


def read(path: str) -> "dict":
    """Return the kit's network settings, a JSON object; empty without a file.

    The names are those of the Network class in src/scoredock/network.py.
    """
    if not path or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.loads(file.read() or "{}")


def apply(given: "dict", environ: "dict", scratch: str) -> "dict":
    """Put the settings into `environ` and return the conda mirrors: URL by the URL of the channel.

    They win over pip's configuration. A conda mirror's credentials go into a file for py-rattler,
    because it does not take those of a mirror's URL.
    """
    if given.get("python_index"):
        environ["PIP_INDEX_URL"] = given["python_index"]
    if given.get("extra_python_indexes"):
        environ["PIP_EXTRA_INDEX_URL"] = " ".join(given["extra_python_indexes"])
    if given.get("trusted_hosts"):
        environ["PIP_TRUSTED_HOST"] = " ".join(given["trusted_hosts"])
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if given.get(name):
            environ[name] = environ[name.upper()] = given[name]
    mirrors, logins = {}, {}
    for channel, url in given.get("conda_mirrors", {}).items():
        parts = urlsplit(url)
        if parts.username:
            login = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
            logins[parts.hostname] = {"BasicHTTP": login}
        mirrors[channel] = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if logins:
        environ["RATTLER_AUTH_FILE"] = os.path.join(scratch, "conda-logins.json")
        with open(environ["RATTLER_AUTH_FILE"], "w", encoding="utf-8") as file:
            json.dump(logins, file)
    return mirrors


def is_filled(path: str) -> bool:
    return bool(path) and os.path.isfile(path) and os.path.getsize(path) > 0


def public_authorities(scratch: str) -> str:
    """Return the authorities that pip itself trusts, as a PEM file."""
    code = "from pip._vendor import certifi; print(certifi.where())"
    command = [find_pip(scratch), "-c", code]
    return subprocess.check_output(command, universal_newlines=True).strip()


def pip_settings(environ: "dict", python: str) -> "dict":
    """Return what pip's configuration says, by pip's names: the most special place wins.

    Asking pip itself, because it alone knows its files, their order and its sections.
    """
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.check_output(command, env=environ, universal_newlines=True)
    settings = {}
    for section in ("global", "install", ":env:"):
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section + "."):
                key = name[len(section) + 1 :].replace("_", "-")
                settings[key] = value.strip("'").replace("\\n", " ").split()
    return settings


def uv_environment(environ: "dict", settings: "dict", cache: str) -> "dict":
    """Return the variables that uv runs with, for the same packages from the same places."""
    own = dict(
        environ,
        UV_NO_CONFIG="1",
        UV_NO_PROGRESS="1",
        NO_COLOR="1",
        # The cache is a mount of its own, so that there is nothing to link to.
        UV_LINK_MODE="copy",
        UV_PYTHON_DOWNLOADS="never",
        # As pip does: the best version of all indexes, not the first index that has any.
        UV_INDEX_STRATEGY="unsafe-best-match",
    )
    if cache:
        own["UV_CACHE_DIR"] = os.path.join(cache, "uv")
    for name, variable in UV_NAMES.items():
        values = settings.get(name, [])
        if name in ("find-links", "index-url", "extra-index-url"):
            values = [value for value in values if is_there(value)]
        if values:
            # uv splits this one at commas and the others at blanks.
            own[variable] = ("," if name == "find-links" else " ").join(values)
    if settings.get("pre", ["0"])[0].lower() in ("1", "true", "yes", "on"):
        own["UV_PRERELEASE"] = "allow"
    for value in settings.get("proxy", []):
        own.update(HTTP_PROXY=value, HTTPS_PROXY=value)
    if "SSL_CERT_FILE" not in own:
        for value in settings.get("cert", []):
            own["SSL_CERT_FILE"] = value
    return own


def is_there(location: str) -> bool:
    """Tell whether a place may be asked: pip passes over a local one that is not there."""
    parts = urlsplit(location)
    if parts.scheme in ("http", "https"):
        return True
    return os.path.exists(url2pathname(parts.path) if parts.scheme == "file" else location)
