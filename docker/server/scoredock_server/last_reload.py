"""What became of the last reload, where it has failed: for /readyz of the server that goes on.

It is in a file without a name, which whoever reloads shares with all servers.
"""

import os
import tempfile
import time
from typing import Optional

from scoredock_server import log

_MOST = 4096

_descriptor: Optional[int] = None


def prepare(descriptor: Optional[int] = None) -> int:
    """Make the file before any server is forked, or take it over; return its descriptor."""
    global _descriptor
    if descriptor is None and _descriptor is None:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    if descriptor is not None:
        os.set_inheritable(descriptor, False)
        _descriptor = descriptor
    return _descriptor or 0


def tell_failed(reason: str) -> None:
    """Say that it has failed, in the log as well."""
    log.server.error("It cannot be loaded: %s, see above. What served before still does", reason)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = "The reload at {} failed: {}. What served before still does.\n".format(at, reason)
    _write(text.encode("utf-8")[:_MOST])


def tell_loaded() -> None:
    """Say that it has not."""
    _write(b"")


def ready_text() -> str:
    """Return the body of /readyz while requests are taken."""
    failure = os.pread(_descriptor, _MOST, 0) if _descriptor is not None else b""
    return "ok\n" + failure.decode("utf-8", "replace") if failure else "ok"


def _write(data: bytes) -> None:
    if _descriptor is not None:
        os.ftruncate(_descriptor, 0)
        os.pwrite(_descriptor, data, 0)
