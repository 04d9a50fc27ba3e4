"""One listening socket for the old and the new server of a service.

The port's holder listens and accepts nothing. Each server gets the socket itself from it, through
a Unix socket that both can reach. So a new server accepts beside the old one, and whatever waits
to be accepted while the old one stops is the new one's: no connection is refused or reset.
"""

import array
import os
import signal
import socket
import stat
import sys
import threading
import time
from contextlib import suppress
from typing import Any, List

# As gunicorn's own: how many connections may wait to be accepted.
BACKLOG = 2048


class ListenError(Exception):
    """A server cannot listen where it is to."""


def listen(address: str, backlog: int = BACKLOG, umask: int = 0) -> int:
    """Return the descriptor of a socket that listens on HOST:PORT or unix:PATH, or is fd://N.

    `umask` is for the path. Raises ListenError.
    """
    if address.startswith("fd://"):
        return int(address[len("fd://") :])
    if address.startswith("unix:"):
        place: Any = address[len("unix:") :]
        family = socket.AF_UNIX
        _remove_socket(place)
    else:
        host, _, port = address.rpartition(":")
        if not port.isdigit():
            raise ListenError("cannot listen on {}: expected HOST:PORT".format(address))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        place = (host.strip("[]"), int(port))
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    before = os.umask(umask)
    try:
        listener.bind(place)
    except OSError as error:
        raise ListenError("cannot listen on {}: {}".format(address, error.strerror)) from None
    finally:
        os.umask(before)
    listener.listen(backlog)
    return listener.detach()


def _remove_socket(path: str) -> None:
    """Remove the socket of a server that was killed; what is no socket stays, and is in the way."""
    with suppress(OSError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)


def hold(address: str, path: str) -> None:
    """Listen on `address` and hand the socket to whoever connects to `path`; until SIGTERM."""
    port = listen(address)
    giver = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with suppress(FileNotFoundError):
        os.unlink(path)  # of a holder that was killed
    with reachable(path) as short:
        giver.bind(short)
    giver.listen(16)
    takers: List[socket.socket] = []
    while True:
        taker, _ = giver.accept()
        with suppress(OSError):  # it may have gone meanwhile
            fds = array.array("i", [port])
            taker.sendmsg([b"1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        # A connection's end tells its server that the port is gone.
        takers = [each for each in takers if _is_open(each)] + [taker]


def receive(path: str, *, timeout: float = 60) -> int:
    """Return the descriptor of the held socket; this process gets SIGTERM when the holder ends.

    Waits up to `timeout` seconds for a holder: after a restart of the machine it may come later.
    Raises ListenError where none comes.
    """
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with reachable(path) as short:
                connection.connect(short)
            _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(array.array("i").itemsize))
            if ancillary:
                break
        except (FileNotFoundError, ConnectionError):
            pass
        connection.close()
        if time.monotonic() > deadline:
            raise ListenError("nobody hands over a port at {}".format(path))
        time.sleep(0.1)
    fds = array.array("i")
    fds.frombytes(ancillary[0][2][: fds.itemsize])
    threading.Thread(target=_end_with, args=[connection], daemon=True).start()
    return fds[0]


def _end_with(connection: socket.socket) -> None:
    connection.recv(1)  # nothing is ever sent: this is the end of the holder
    os.kill(os.getpid(), signal.SIGTERM)


class reachable:  # noqa: N801 - used like a word of the language
    """A name for a path that is short enough for a Unix socket: 107 bytes."""

    def __init__(self, path: str) -> None:
        self._folder, self._name = os.path.split(path)

    def __enter__(self) -> str:
        self._descriptor = os.open(self._folder or ".", os.O_RDONLY)
        return "/proc/self/fd/{}/{}".format(self._descriptor, self._name)

    def __exit__(self, *_: Any) -> None:
        os.close(self._descriptor)


def _is_open(taker: socket.socket) -> bool:
    """Tell whether the other side is there still; where it is not, close this one."""
    try:
        if taker.recv(1, socket.MSG_DONTWAIT):
            return True
    except BlockingIOError:
        return True
    except OSError:
        pass
    taker.close()
    return False


def main() -> None:
    """`python -m scoredock_server.handover ADDRESS PATH`: hold a port."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        hold(sys.argv[1], sys.argv[2])
    except ListenError as error:
        sys.exit("error: {}".format(error))


if __name__ == "__main__":
    main()
