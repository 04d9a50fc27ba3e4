"""Read network.yaml, and from this machine what it refers to: authorities and credentials."""

import netrc
import os
from pathlib import Path
from urllib.parse import quote, urlsplit

import yaml
from pydantic import ValidationError

from scoredock.errors import SpecError
from scoredock.network import Network
from scoredock.problems import first_problem

_PEM = "-----BEGIN CERTIFICATE-----"


def read_network(path: Path) -> Network:
    """Return the settings, with PEM text for `ca` and the logins of ~/.netrc in the URLs.

    A URL that has credentials of its own keeps them. Raises SpecError; no message quotes a value.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError("no such file", path=str(path), hint="set NETWORK_FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot be read: {type(error).__name__}", path=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise SpecError(f"{line}not YAML", path=str(path)) from None
    try:
        written = Network.model_validate({} if data is None else data)
    except ValidationError as error:
        place, message = first_problem(error)
        keys = ", ".join(Network.model_fields)
        raise SpecError(
            message, path=f"{path}: {place}".rstrip(": "), hint=f"the settings are {keys}"
        ) from None
    logins = _logins()
    return written.model_copy(
        update={
            "ca": _authorities(written.ca, path),
            "python_index": with_login(written.python_index, logins),
            "extra_python_indexes": [
                with_login(url, logins) for url in written.extra_python_indexes
            ],
            "conda_mirrors": {
                name: with_login(url, logins) for name, url in written.conda_mirrors.items()
            },
        }
    )


def with_login(url: str, logins: netrc.netrc | None) -> str:
    """Return the URL with the login that netrc has for its host, unless it has one of its own."""
    parts = urlsplit(url)
    # Without the machine's `default`, which pip does not send either.
    if not parts.hostname or parts.username or logins is None or parts.hostname not in logins.hosts:
        return url
    user, account, password = logins.hosts[parts.hostname]
    login = f"{quote(user or account, safe='')}:{quote(password or '', safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


def _logins() -> netrc.netrc | None:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return netrc.netrc(str(file)) if file.is_file() else None
    except netrc.NetrcParseError as error:
        # Not its message: that may quote a password.
        raise SpecError(f"line {error.lineno}: not in the form of netrc", path=str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot be read: {type(error).__name__}", path=str(file)) from None


def _authorities(value: str, path: Path) -> str:
    """Return PEM text; a relative place starts at the folder of network.yaml."""
    if not value or _PEM in value:
        return value
    place = path.parent / value
    files = [place] if place.is_file() else sorted(p for p in place.glob("*") if p.is_file())
    try:
        texts = [file.read_text(encoding="utf-8") for file in files if file.suffix != ".key"]
    except (OSError, UnicodeDecodeError):
        texts = []
    found = [text for text in texts if _PEM in text]
    if not found:
        raise SpecError(
            f"expected a PEM file of certificates or a folder of them, found none at {place}",
            path=f"{path}: ca",
        )
    return "\n".join(found)
