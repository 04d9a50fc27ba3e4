"""Accept connections, and share them with the other workers of a server."""

import errno
import socket
import time
from typing import Any, List, Optional

from scoredock_server.balance import Share
from scoredock_server.incoming import READ
from scoredock_server.tls import Sockets

# How long a new connection is left to a worker with fewer of them, in seconds.
_LEFT_TO_OTHERS = 0.004
_LOOK_AGAIN = 0.002
# The same while run() is busy: another worker, or the server that takes our place, may be idle.
_LEFT_TO_IDLE = 0.1
_LOOK_AGAIN_BUSY = 0.02
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class NoRoomError(Exception):
    """The process can have no more connections now."""


class Acceptor:
    """The listening sockets; `guest` says that a run() is busy meanwhile, `stuck` for too long.

    The first counts once it has been busy for `patience` seconds.
    """

    def __init__(
        self, selector: Any, config: Any, listeners: List[Any], share: Optional[Share]
    ) -> None:
        self.guest = False
        self.patience = 0.0
        self.stuck = False
        self.ended_at = 0.0
        self.paused_until = 0.0
        self._selector = selector
        self._listeners = listeners
        self._share = share
        self._left_since = 0.0
        self._guest_since = 0.0
        self._connections = 0
        self._tls = Sockets(config) if config.is_ssl else None
        for listener in listeners:
            listener.setblocking(False)
        self._listen()
        self.tell(0)

    def accept(self, listener: Any, connections: int, now: float) -> Optional[Any]:
        """Return a new client's socket and address, or None. Raises NoRoomError.

        `connections` is how many this worker has.
        """
        if self.ended_at or self._leave_it(connections, now):
            return None
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                return None
            self._pause(now + 0.1)
            raise NoRoomError from None
        try:
            client.setblocking(False)
            if client.family != getattr(socket, "AF_UNIX", None):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return (self._tls.wrap(client) if self._tls else client), address
        except OSError:
            client.close()
            return None

    def host(self, guest: bool, now: float) -> None:
        """Say whether a run() is busy from now on."""
        self.guest = guest
        self._guest_since = now
        self.tell(self._connections)

    def _is_busy(self, now: float) -> bool:
        return self.guest and now - self._guest_since >= self.patience

    def resume(self, now: float) -> None:
        """Listen again, after a pause."""
        if self.guest and self.patience:
            self.tell(self._connections)
        if self.paused_until and now >= self.paused_until:
            self.paused_until = 0.0
            self._listen()

    def tell(self, connections: int) -> None:
        """Tell the other workers how many connections this one has."""
        self._connections = connections
        if self._share and not (self.ended_at or self.stuck):
            if self._is_busy(time.monotonic()):
                self._share.close()
            else:
                self._share.set(connections)

    def end(self) -> None:
        """Accept nothing more."""
        if self.ended_at:
            return
        if self._share:
            self._share.close()
        self.ended_at = time.monotonic()
        for listener in self._listeners:
            if not self.paused_until:
                self._selector.unregister(listener)
            listener.close()
        self.paused_until = 0.0

    def _listen(self) -> None:
        for listener in self._listeners:
            self._selector.register(listener, READ, listener)

    def _pause(self, until: float) -> None:
        if not self.paused_until:
            for listener in self._listeners:
                self._selector.unregister(listener)
        self.paused_until = until

    def _leave_it(self, connections: int, now: float) -> bool:
        """Leave a new connection to a worker that should rather have it, but not for long."""
        if self.stuck:  # alone it accepts, to say so
            if not (self._share and self._share.give_up()):
                return False
            self._pause(now + _LOOK_AGAIN_BUSY)
            return True
        busy = self._is_busy(now)
        if busy:
            most, again = _LEFT_TO_IDLE, _LOOK_AGAIN_BUSY
        elif self._share is not None and self._share.is_anothers(connections):
            most, again = _LEFT_TO_OTHERS, _LOOK_AGAIN
        else:
            return False
        since = now - self._left_since
        if most <= since < 4 * most:  # nobody has come for it
            if not busy:
                self._left_since = 0.0
            return False
        if since >= most:
            self._left_since = now
        self._pause(now + again)
        return True
