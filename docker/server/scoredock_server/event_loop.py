"""The event loop of a worker: it accepts, reads, sends and waits, for all connections at once.

One thread at a time runs it, whichever holds the worker's lock.
"""

import errno
import os
import selectors
import socket
import ssl
import time
from collections import deque
from typing import Any, Callable, Deque, List, NamedTuple, Optional, Set

from gunicorn import sock as gunicorn_sock

from scoredock_server import log
from scoredock_server.balance import Share
from scoredock_server.connection import READ, Connection

# How long a new connection is left to a worker with fewer of them, or to one that runs nothing.
_LEFT_TO_OTHERS = 0.004
_LEFT_TO_IDLE = 0.05
_LOOK_AGAIN = 0.002
# A client that has just had an answer sends the next request before it sees that we end.
_LAST_REQUESTS = 1.0


class Limits(NamedTuple):
    """How long a client is waited for, in seconds, and how much of it is kept, in bytes."""

    request_line: int
    head: int
    body: int = 0
    queue: int = 0
    head_seconds: float = 30
    body_seconds: float = 60
    send_seconds: float = 60
    idle_seconds: float = 75
    linger: float = 2

    def too_long(self, data: bytearray) -> bool:
        """Tell whether the part of a head that has come cannot become one."""
        if len(data) > self.head:
            return True
        return len(data) > self.request_line and data.find(b"\r\n", 0, self.request_line + 2) < 0


class EventLoop:
    """Connections, and the requests of theirs that have arrived: `ready`.

    `begins(connection, length)` is called with each head, the connection not yet `busy`;
    `refuse(connection, error)` for one that cannot be read; `expired(connection)` where a request
    does not come in time.
    """

    def __init__(
        self,
        config: Any,
        listeners: List[Any],
        limits: Limits,
        share: Optional[Share],
        *,
        begins: Callable[[Connection, Optional[int]], None],
        has_arrived: Callable[[Connection], None],
        refuse: Callable[[Connection, Exception], None],
        expired: Callable[[Connection], None],
    ) -> None:
        self.config = config
        self.limits = limits
        self.ready: Deque[Connection] = deque()
        self.connections: Set[Connection] = set()
        self.now = time.monotonic()
        self.guest = False  # whether a run() is busy meanwhile
        self.begins = begins
        self.has_arrived = has_arrived
        self.refuse = refuse
        self.expired = expired
        self._share = share
        self._listeners = listeners
        self._paused_until = 0.0
        self._left_since = 0.0
        self._swept = self.now
        self._ending_since = 0.0
        self._tls: Any = None
        self._selector = selectors.DefaultSelector()
        for listener in listeners:
            listener.setblocking(False)
            self._selector.register(listener, READ, listener)
        self._tell_share()

    def watch_pipe(self, descriptor: int, on_data: Callable[[], object]) -> None:
        """Call `on_data` when a pipe can be read."""
        self._selector.register(descriptor, READ, on_data)

    def turn(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for something to happen, and see to it."""
        if self._paused_until:
            timeout = min(timeout, max(0.0, self._paused_until - time.monotonic()))
        events = self._selector.select(timeout)
        self.now = time.monotonic()
        for key, mask in events:
            data = key.data
            if isinstance(data, Connection):
                if not data.gone:
                    self._see_to(data, mask)
            elif callable(data):
                data()
            else:
                self._accept(data)
        if self._paused_until and self.now >= self._paused_until:
            self._resume()
        if self.now - self._swept > (0.02 if self._ending_since else 1):
            self._sweep()

    # --- accepting

    def _accept(self, listener: Any) -> None:
        if self._ending_since or self._leave_it():
            return
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._make_room()
                self._pause(0.1)
            return
        try:
            connection = self._connection(listener, client, address)
        except OSError:
            client.close()
            return
        self.connections.add(connection)
        connection.deadline = self.now + self.limits.head_seconds
        self._tell_share()
        self.watch(connection, READ)
        self._see_to(connection, READ)  # most clients have sent their request by now

    def _see_to(self, connection: Connection, mask: int) -> None:
        try:
            connection.on_event(mask)
        except Exception:
            log.server.exception("this is a fault of the server")
            connection.drop()

    def _connection(self, listener: Any, client: Any, address: Any) -> Connection:
        client.setblocking(False)
        if client.family != getattr(socket, "AF_UNIX", None):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = self.config.is_ssl
        if tls:
            client = self._with_tls(client)
        return Connection(self, client, address, listener.getsockname(), tls=tls)

    def _with_tls(self, client: socket.socket) -> Any:
        make = getattr(gunicorn_sock, "ssl_context", None)
        if make is None:  # gunicorn 20
            options = dict(self.config.ssl_options, do_handshake_on_connect=False)
            return getattr(ssl, "wrap_socket")(client, server_side=True, **options)  # noqa: B009 - not in newer Pythons
        if self._tls is None:
            self._tls = make(self.config)
        return self._tls.wrap_socket(
            client,
            server_side=True,
            suppress_ragged_eofs=self.config.suppress_ragged_eofs,
            do_handshake_on_connect=False,
        )

    def _leave_it(self) -> bool:
        """Leave a new connection to a worker that should rather have it, but not for long."""
        if self._share is None:
            return False
        wanted = self._share.is_anothers(1 << 60 if self.guest else len(self.connections))
        most = _LEFT_TO_IDLE if self.guest else _LEFT_TO_OTHERS
        since = self.now - self._left_since
        if not wanted or most < since < 4 * most:
            self._left_since = 0.0
            return False
        if since >= most:
            self._left_since = self.now
        self._pause(_LOOK_AGAIN)
        return True

    def _pause(self, seconds: float) -> None:
        if not self._paused_until:
            for listener in self._listeners:
                self._selector.unregister(listener)
        self._paused_until = self.now + seconds

    def _resume(self) -> None:
        self._paused_until = 0.0
        for listener in self._listeners:
            self._selector.register(listener, READ, listener)

    def _make_room(self) -> None:
        """No descriptor is left: close the connections that have waited longest."""
        idle = [each for each in self.connections if each.idle and not each.fresh]
        for connection in sorted(idle, key=lambda each: each.deadline)[:64]:
            connection.drop()

    def _tell_share(self) -> None:
        if self._share and not self._ending_since:
            if self.guest:
                self._share.close()
            else:
                self._share.set(len(self.connections))

    def host(self, guest: bool) -> None:
        """Say whether a run() is busy while the loop turns."""
        self.guest = guest
        self._tell_share()

    # --- what connections ask for

    def watch(self, connection: Connection, interest: int) -> None:
        """Wait for these events of a connection."""
        before, connection.interest = connection.interest, interest
        if interest == before:
            return
        if not before:
            self._selector.register(connection.sock, interest, connection)
        elif interest:
            self._selector.modify(connection.sock, interest, connection)
        else:
            self._selector.unregister(connection.sock)

    def forget(self, connection: Connection) -> None:
        """Wait for nothing of a connection any more."""
        self.watch(connection, 0)
        self.connections.discard(connection)
        self._tell_share()

    def expect_head(self, connection: Connection) -> None:
        """The first bytes of a request have come."""
        connection.deadline = self.now + self.limits.head_seconds

    def expect_body(self, connection: Connection, _arrived: int) -> None:
        """More of a request's body must come."""
        connection.deadline = self.now + self.limits.body_seconds

    def expect_reader(self, connection: Connection) -> None:
        """The client must read more of its answer."""
        connection.deadline = time.monotonic() + self.limits.send_seconds

    def rests(self, connection: Connection) -> None:
        """A connection waits for its next request."""
        if not connection.output:
            connection.deadline = self.now + self.limits.idle_seconds

    # --- the end of things

    def end(self) -> None:
        """Accept nothing more."""
        if self._ending_since:
            return
        if self._share:
            self._share.close()
        self._ending_since = time.monotonic()
        if not self._paused_until:
            for listener in self._listeners:
                self._selector.unregister(listener)
        self._paused_until = 0.0
        for listener in self._listeners:
            listener.close()

    @property
    def ending(self) -> bool:
        """Whether nothing more is accepted."""
        return bool(self._ending_since)

    def is_over(self, seconds: float) -> bool:
        """Tell whether all that was begun has ended, or has had `seconds` for it."""
        if time.monotonic() - self._ending_since > seconds:
            return True
        return not self.connections

    def _sweep(self) -> None:
        """Let go of who keeps us waiting."""
        self._swept = self.now
        rested = self._ending_since and self.now - self._ending_since > _LAST_REQUESTS
        for connection in list(self.connections):
            if rested and (connection.idle or connection.lingers):
                connection.drop()
            elif connection.deadline < self.now and not (connection.busy and not connection.output):
                if connection.request is not None and not connection.busy:
                    self.expired(connection)
                else:
                    connection.drop()

    def close(self) -> None:
        """Close all that is left."""
        for connection in list(self.connections):
            connection.drop()
        self._selector.close()


def drain_pipe(descriptor: int) -> bytes:
    """Return what a pipe holds."""
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""
