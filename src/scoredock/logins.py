"""The logins that this machine keeps for hosts: ~/.netrc, and the keyring where there is one."""

import importlib.util
import netrc
import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from scoredock.errors import SpecError
from scoredock.network import without_login


class Logins:
    """Adds logins to URLs. `notes` gets a line for a keyring that could not be asked."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._netrc = _read_netrc()

    def add_to(self, url: str) -> str:
        """Return the URL with the login of its host, unless it has a password of its own.

        A user in the URL is the one whose password is looked for.
        """
        parts = urlsplit(url)
        if not parts.hostname or parts.password is not None:
            return url
        user = unquote(parts.username or "")
        found = self._of_netrc(parts.hostname, user) or self._of_keyring(url, user)
        if not found:
            return url
        login = ":".join(quote(part, safe="") for part in found)
        return parts._replace(netloc=f"{login}@{_host(parts.netloc)}").geturl()

    def _of_netrc(self, host: str, user: str) -> tuple[str, str] | None:
        # Without the machine's `default`, which pip does not send either.
        if self._netrc is None or host not in self._netrc.hosts:
            return None
        login, account, password = self._netrc.hosts[host]
        return (login or account, password or "") if user in ("", login) else None

    def _of_keyring(self, url: str, user: str) -> tuple[str, str] | None:
        """Ask for the URL and then for its host, as pip does: people store either."""
        if self.notes or not importlib.util.find_spec("keyring"):
            return None
        import keyring  # optional, and takes long

        plain = without_login(url)
        try:
            for service in (plain, urlsplit(plain).netloc):
                if found := keyring.get_credential(service, user or None):
                    return found.username, found.password
        except Exception as error:  # whatever a backend raises; pip does without it as well
            self.notes.append(f"the keyring is not asked for logins: {type(error).__name__}")
        return None


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2]


def _read_netrc() -> netrc.netrc | None:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return netrc.netrc(str(file)) if file.is_file() else None
    except netrc.NetrcParseError as error:
        # Not its message: that may quote a password.
        raise SpecError(f"line {error.lineno}: not in the form of netrc", path=str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot be read: {type(error).__name__}", path=str(file)) from None
