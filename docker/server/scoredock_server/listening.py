"""Where a service listens: the sockets that its servers, one after another, accept from."""

import atexit
import os
from contextlib import suppress
from typing import List

from scoredock_server.handover import BACKLOG, listen, receive
from scoredock_server.settings import Settings


def addresses(settings: Settings) -> List[str]:
    """Return the addresses that the settings name."""
    found = [settings.bind]
    if settings.separate_health_endpoint:
        host = settings.bind.rpartition(":")[0]
        if host in ("unix", "fd"):
            host = "127.0.0.1"
        found.append("{}:{}".format(host, settings.health_port))
    return found


def sockets(
    settings: Settings, wanted: List[str], backlog: int = BACKLOG, umask: int = 0
) -> List[str]:
    """Listen at addresses, and at what SCOREDOCK_PORT_FROM hands over; return the descriptors.

    They are as gunicorn takes them, which takes either addresses or descriptors. Raises
    ListenError.
    """
    descriptors = [listen(each, backlog, umask) for each in wanted]
    if settings.port_from:
        descriptors.append(receive(settings.port_from))
    return ["fd://{}".format(descriptor) for descriptor in descriptors]


def remove_at_the_end(paths: List[str]) -> None:
    """Remove these files, or unix:PATH, when this process ends: no fork of it."""
    for path in paths:
        atexit.register(_remove, path[5:] if path.startswith("unix:") else path, os.getpid())


def _remove(path: str, pid: int) -> None:
    if os.getpid() == pid:
        with suppress(OSError):
            os.unlink(path)
