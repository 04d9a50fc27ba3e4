"""Who may ask the service: those who send one of the keys that a file holds."""

import hashlib
import hmac
import os
import threading
import time
from typing import Optional, Tuple

from scoredock_server import log
from scoredock_server.setting_kinds import SettingError, unreadable
from scoredock_server.settings import Settings

# What asks them knows no key: an orchestrator, a load balancer, the image's HEALTHCHECK.
OPEN_PATHS = frozenset(log.HEALTH)
# The same words whatever is wrong: a missing header, another scheme, an old key.
REFUSED = "Unauthorized. Send a key of this service: Authorization: Bearer KEY"
CHALLENGE = "Bearer"

_NAME = "SCOREDOCK_KEY_FILE"
_MOST_KEYS = 2
_LEAST_LENGTH = 16
# Seconds after which the file is looked at again.
_EVERY = 1.0

State = Tuple[int, int, int]


class Access:
    """The keys of a service, if it has any: what each request is compared with.

    Raises SettingError for a file that has no usable key.
    """

    def __init__(self, settings: Settings) -> None:
        self.is_open = not settings.key_file
        self._path = os.path.join(settings.app_root, settings.key_file)
        self._state: Optional[State] = None
        self._looked = time.monotonic()
        self._lock = threading.Lock()
        # Digests alone are kept: no traceback and no dump of this process holds a key.
        self._digests: Tuple[bytes, ...] = ()
        if not self.is_open:
            self._state = _state(self._path)
            self._digests = _read(self._path)

    def allows(self, path: str, authorization: Optional[str]) -> bool:
        """Tell whether a request for `path` with this Authorization header is to be answered."""
        if self.is_open or path in OPEN_PATHS:
            return True
        if time.monotonic() - self._looked > _EVERY:
            self._look_again()
        scheme, _, key = (authorization or "").partition(" ")
        digest = _digest(key.strip(" ").encode("utf-8", "replace"))
        # All of them, always: how long it takes tells nothing of the keys.
        found = [hmac.compare_digest(digest, each) for each in self._digests]
        return any(found) and scheme.lower() == "bearer"

    def _look_again(self) -> None:
        """Take the keys that the file holds now; where it holds none the old ones stay."""
        if not self._lock.acquire(False):  # another thread does it
            return
        try:
            self._looked = time.monotonic()
            state = _state(self._path)
            if state == self._state:
                return
            self._state = state
            self._digests = _read(self._path)
            log.server.info("%s has changed: its keys count from now on", self._path)
        except SettingError as error:
            log.server.error("%s: the keys from before still count", error)
        finally:
            self._lock.release()


def _state(path: str) -> Optional[State]:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _read(path: str) -> Tuple[bytes, ...]:
    """Return the digests of the keys, one a line. Raises SettingError, which quotes no key."""
    what = "{}={}".format(_NAME, path)
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        raise unreadable(_NAME, path, error) from None
    keys = []
    for number, line in enumerate(lines, 1):
        key = line.strip()
        if not key or key.startswith(b"#"):
            continue
        if len(key) < _LEAST_LENGTH or not all(0x21 <= byte <= 0x7E for byte in key):
            raise SettingError(
                "{}: line {}: expected a key of {} or more ASCII characters without blanks".format(
                    what, number, _LEAST_LENGTH
                )
            )
        keys.append(key)
    if not 1 <= len(keys) <= _MOST_KEYS:
        raise SettingError(
            "{}: expected one key, or two of which each is accepted, a line for each; found"
            " {}".format(what, len(keys))
        )
    return tuple(_digest(key) for key in keys)
