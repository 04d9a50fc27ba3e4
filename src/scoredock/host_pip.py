"""What this machine's own pip and uv are set to: a person behind a company's index has it there."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from scoredock.network import Network, without_login

_SECONDS = 20
_LOCAL = ("localhost", "::1")


def with_indexes_of_host(
    given: Network, settings: Mapping[str, list[str]], variables: Mapping[str, str]
) -> tuple[Network, list[str]]:
    """Return the settings with the indexes of the machine's own pip, or uv, and a note for each.

    Where they name an index already, nothing is taken.
    """
    if given.python_indexes:
        return given, []
    program = "pip"
    first, more = settings.get("index-url", []), settings.get("extra-index-url", [])
    if not _remote(first + more):
        program = "uv"
        first = _words(variables, "UV_DEFAULT_INDEX") or _words(variables, "UV_INDEX_URL")
        more = _words(variables, "UV_INDEX") + _words(variables, "UV_EXTRA_INDEX_URL")
    notes = [
        f"{without_login(url)}: an index of this machine's own {program}, not asked: "
        "it means another machine in a build"
        for url in _remote(first + more)
        if _is_local(url)
    ]
    first, more = ([url for url in _remote(urls) if not _is_local(url)] for urls in (first, more))
    if not first + more:
        return given, notes
    found = {
        "python_index": first[0] if first else "",
        "extra_python_indexes": more,
        "trusted_hosts": given.trusted_hosts or settings.get("trusted-host", []),
    }
    names = " and ".join(without_login(url) for url in first + more)
    notes.append(
        f"packages come from {names}, as this machine's own {program} is set; "
        "--pip-config /dev/null leaves that out"
    )
    return given.model_copy(update=found), notes


def authorities_of_host(
    settings: Mapping[str, list[str]], variables: Mapping[str, str]
) -> tuple[Path | None, list[str]]:
    """Return the PEM file that the machine's own programs trust, where one is set, and a note."""
    named = {
        "pip's cert": next(iter(settings.get("cert", [])), ""),
        "REQUESTS_CA_BUNDLE": variables.get("REQUESTS_CA_BUNDLE", ""),
        "SSL_CERT_FILE": variables.get("SSL_CERT_FILE", ""),
    }
    for name, value in named.items():
        if value and Path(value).is_file():
            note = (
                f"the build trusts the authorities in {value} as well, as {name} is set on this "
                "machine; --ca-file /dev/null leaves that out"
            )
            return Path(value), [note]
    return None, []


def read_pip() -> dict[str, list[str]]:
    """Return what `pip config list` says, by pip's names; nothing where there is no pip.

    Asking pip itself, because it alone knows its files, their order and its sections.
    """
    pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["pip"]
    if pip == ["pip"] and not shutil.which("pip"):
        return {}
    try:
        done = subprocess.run(
            [*pip, "config", "list"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parse_pip(done.stdout) if done.returncode == 0 else {}


def parse_pip(listed: str) -> dict[str, list[str]]:
    """Return the settings, each as the words of its value: the most special place wins."""
    settings = {}
    for section in ("global", "install", ":env:"):
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(f"{section}."):
                key = name.removeprefix(f"{section}.").replace("_", "-")
                settings[key] = value.strip("'").replace("\\n", " ").split()
    return settings


def _words(variables: Mapping[str, str], name: str) -> list[str]:
    """Return the URLs of one of uv's variables, which may have names: NAME=URL."""
    words = variables.get(name, "").split()
    return [word.partition("=")[2] if "=" in word.partition("://")[0] else word for word in words]


def _remote(urls: list[str]) -> list[str]:
    return [url for url in urls if url.startswith(("http://", "https://"))]


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in _LOCAL or host.startswith("127.")
