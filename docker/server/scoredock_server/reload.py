"""`python -m scoredock_server.reload SOCKET SECONDS`: have the script loaded anew, and wait for it.

SOCKET is the server's SCOREDOCK_RELOAD_SOCKET. The exit code is 0 once the new script alone
answers, 4 where it cannot be loaded, 2 where nobody listens there, and 3 where it has taken SECONDS
or the service has ended meanwhile. The last line that is printed says so; above it is the log of
what could not be loaded.
"""

import os
import socket
import sys
import time
from contextlib import suppress
from typing import List, Optional

from scoredock_server.handover import reachable

LOADED = "loaded"
# Whoever waits for the output of a program gives up on one that is silent.
_EVERY = 10


class Askers:
    """Those who have asked a server at `path` and wait for its answer; without one nobody can."""

    def __init__(self, path: str) -> None:
        self.listener: Optional[socket.socket] = _listen(path) if path else None
        self._waiting: List[socket.socket] = []

    def accept(self) -> None:
        """Let one more wait, who has come to the listener."""
        if self.listener:
            self._waiting.append(self.listener.accept()[0])

    def tell(self, answer: str) -> None:
        """Answer all who wait."""
        for each in self._waiting:
            with suppress(OSError):  # somebody may have gone
                each.sendall(answer.encode("utf-8"))
        self._close()

    def leave(self) -> None:
        """In a fork: have nothing to do with them."""
        self._close()
        self.refuse()

    def refuse(self) -> None:
        """Let nobody ask any more."""
        if self.listener:
            self.listener.close()
            self.listener = None

    def _close(self) -> None:
        for each in self._waiting:
            each.close()
        self._waiting = []


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with suppress(FileNotFoundError):
        os.unlink(path)  # of a server that was killed
    with reachable(path) as short:
        listener.bind(short)
    os.chmod(path, 0o600)
    listener.listen(16)
    return listener


def reload(path: str, timeout: float) -> int:
    """Ask for it and return the exit code."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(path) as short:
            connection.connect(short)
    except OSError as error:
        return _say("cannot be asked to: {}: {}".format(path, error.strerror), 2)
    began = time.monotonic()
    while time.monotonic() < began + timeout:
        connection.settimeout(min(_EVERY, timeout))
        try:
            answer = _rest(connection)
        except socket.timeout:
            _say("loading for {:.0f} s".format(time.monotonic() - began))
            continue
        except ConnectionError:
            answer = ""
        if not answer:
            return _say("the service has ended", 3)
        return _say(answer, 0 if answer == LOADED else 4)
    return _say("it is not loaded after {:.0f} s".format(timeout), 3)


def _rest(connection: socket.socket) -> str:
    parts = [connection.recv(65536)]
    while parts[-1]:
        parts.append(connection.recv(65536))
    return b"".join(parts).decode("utf-8")


def _say(text: str, code: int = 0) -> int:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(reload(sys.argv[1], float(sys.argv[2])))
