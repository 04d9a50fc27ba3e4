"""The event loop of a worker: it accepts, reads, sends and waits, for all connections at once.

One thread at a time runs it, whichever holds the worker's lock.
"""

import os
import selectors
import time
from collections import deque
from typing import Any, Callable, Deque, List, NamedTuple, Optional, Set

from scoredock_server import log
from scoredock_server.acceptor import Acceptor, NoRoomError
from scoredock_server.balance import Share
from scoredock_server.connection import Connection
from scoredock_server.heads import Heads
from scoredock_server.incoming import READ

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

    `answers`, an AtOnce, is asked about each request before it is ready.
    """

    def __init__(
        self,
        config: Any,
        listeners: List[Any],
        limits: Limits,
        share: Optional[Share],
        answers: Any,
    ) -> None:
        self.config = config
        self.limits = limits
        self.answers = answers
        self.heads = Heads(config)
        self.ready: Deque[Connection] = deque()
        self.connections: Set[Connection] = set()
        self.now = time.monotonic()
        self._swept = self.now
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(self._selector, config, listeners, share)

    def take(self, fits: Callable[[Connection], bool], most: int) -> List[Connection]:
        """Take from `ready` those that fit, `most` at most, in their order."""
        taken: List[Connection] = []
        left: Deque[Connection] = deque()
        while self.ready and len(taken) < most:
            connection = self.ready.popleft()
            (taken if fits(connection) else left).append(connection)
        self.ready.extendleft(reversed(left))
        return taken

    def watch_pipe(self, descriptor: int, on_data: Callable[[], object]) -> None:
        """Call `on_data` when a pipe can be read."""
        self._selector.register(descriptor, READ, on_data)

    def turn(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for something to happen, and see to it."""
        acceptor = self._acceptor
        if acceptor.paused_until:
            timeout = min(timeout, max(0.0, acceptor.paused_until - time.monotonic()))
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
        acceptor.resume(self.now)
        if self.now - self._swept > (0.02 if acceptor.ended_at else 1):
            self._sweep()

    def _accept(self, listener: Any) -> None:
        try:
            accepted = self._acceptor.accept(listener, len(self.connections), self.now)
        except NoRoomError:
            # Close the connections that have waited longest.
            idle = [each for each in self.connections if each.idle and not each.fresh]
            for connection in sorted(idle, key=lambda each: each.deadline)[:64]:
                connection.drop()
            return
        if accepted is None:
            return
        client, address = accepted
        server = listener.getsockname()
        connection = Connection(self, client, address, server, tls=self.config.is_ssl)
        self.connections.add(connection)
        connection.deadline = self.now + self.limits.head_seconds
        self._acceptor.tell(len(self.connections))
        self.watch(connection, READ)
        self._see_to(connection, READ)  # most clients have sent their request by now

    def _see_to(self, connection: Connection, mask: int) -> None:
        try:
            connection.on_event(mask)
        except Exception:
            log.server.exception("this is a fault of the server")
            connection.drop()

    @property
    def guest(self) -> bool:
        """Whether a run() is busy while the loop turns."""
        return self._acceptor.guest

    def host(self, guest: bool) -> None:
        """Say whether a run() is busy while the loop turns."""
        self._acceptor.stuck = False
        self._acceptor.host(guest, time.monotonic())

    def be_patient(self, seconds: float) -> None:
        """Share new connections by their number still while a run() has been busy for less."""
        self._acceptor.patience = seconds

    @property
    def stuck(self) -> bool:
        """Whether run() is over its time, and does not end."""
        return self._acceptor.stuck

    def get_stuck(self) -> None:
        """Leave connections to other workers, until run() ends."""
        self._acceptor.stuck = True

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
        self._acceptor.tell(len(self.connections))

    def expect_head(self, connection: Connection) -> None:
        """The first bytes of a request have come."""
        connection.deadline = self.now + self.limits.head_seconds

    def expect_body(self, connection: Connection) -> None:
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
        self._acceptor.end()

    @property
    def ending(self) -> bool:
        """Whether nothing more is accepted."""
        return bool(self._acceptor.ended_at)

    def is_over(self, seconds: float) -> bool:
        """Tell whether all that was begun has ended, or has had `seconds` for it."""
        if time.monotonic() - self._acceptor.ended_at > seconds:
            return True
        return not self.connections

    def _sweep(self) -> None:
        """Let go of who keeps us waiting."""
        self._swept = self.now
        rested = self.ending and self.now - self._acceptor.ended_at > _LAST_REQUESTS
        for connection in list(self.connections):
            if rested and (connection.idle or connection.lingers):
                connection.drop()
            elif connection.deadline < self.now and not (connection.busy and not connection.output):
                if connection.request is not None and not connection.busy:
                    self.answers.expired(connection)
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
