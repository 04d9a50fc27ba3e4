"""One connection of a client: what it has sent, what it is sent, and what it is waited for.

Nothing here blocks. Whoever holds the event loop's lock may call anything here.
"""

import ssl
import threading
import time
from typing import Any, Optional

from scoredock_server.incoming import READ, WRITE, Incoming

_PIECE = 65536


class Connection(Incoming):
    """A client's connection, on `server`, a listener's address."""

    def __init__(self, loop: Any, sock: Any, address: Any, server: Any, *, tls: bool) -> None:
        super().__init__(loop, address)
        self.sock = sock
        self.server = server
        self.deadline = 0.0
        self.output = bytearray()
        self._handshake = tls
        self._tls = tls
        self._lingering = False
        self._drained: Optional[threading.Event] = None

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has come and nothing of an answer waits to be sent."""
        return not (self.busy or self._input or self.request or self.output or self._closing)

    def on_event(self, mask: int) -> None:
        """Go on where the socket lets it."""
        if self._handshake and not self._shake_hands():
            return
        if mask & WRITE and self.output:
            self._send()
        if mask & READ and not self.gone:
            self._read()

    def _shake_hands(self) -> bool:
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.watch(self, READ)
            return False
        except ssl.SSLWantWriteError:
            self._loop.watch(self, WRITE)
            return False
        except (OSError, ValueError):
            self.drop()
            return False
        self._handshake = False
        self._loop.watch(self, READ)
        return True

    def _read(self) -> None:
        while not self.gone:
            large = self._large
            data: Any
            try:
                data = large.receive(self.sock) if large else self.sock.recv(_PIECE)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self.drop()
                return
            if not data:
                self._on_end()
                return
            if self._lingering:
                return
            if large:
                self._advance()
            else:
                self._input += data
                self.advance()
            # What TLS holds already, the selector does not tell.
            if not (self._tls and self.sock.pending()):
                return

    def _on_end(self) -> None:
        """The client sends no more; it may still read."""
        self._ended = True
        if self._lingering:
            self.drop()
            return
        self._loop.watch(self, self.interest & ~READ)
        if self.busy or self.output:
            return
        if self.request is not None:
            self._advance()
        elif self._input:
            self.advance()
        else:
            self.drop()

    def send(self, data: bytes) -> None:
        """Send, or keep for when the client reads."""
        if self.gone:
            return
        if self.output:
            self.output += data
            return
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = 0
        except OSError:
            self.drop()
            return
        if sent < len(data):
            self.output += memoryview(data)[sent:]
            self._loop.expect_reader(self)
            self._loop.watch(self, self.interest | WRITE)

    def _send(self) -> None:
        try:
            with memoryview(self.output) as view:
                sent = self.sock.send(view[: 4 * _PIECE])
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self.drop()
            return
        del self.output[:sent]
        self._loop.expect_reader(self)
        if self._drained is not None and len(self.output) < _PIECE:
            self._drained.set()
        if not self.output:
            self._loop.watch(self, self.interest & ~WRITE)
            if self._closing:
                self._linger()
            elif self._ended and not self.busy:
                self.drop()

    def finish(self, *, keep: bool) -> None:
        """The request has its answer; go on with the next one, or close."""
        self.request = None
        self.body = b""
        self.busy = False
        if self.gone:
            return
        if not keep or (self._ended and not self._input):
            self.close()
            return
        self._loop.rests(self)
        if not (self._ended or self.interest & READ):
            self._loop.watch(self, self.interest | READ)
        if self._input:
            self.advance()

    def close(self) -> None:
        """Close once what waits is sent."""
        if self.gone or self._closing:
            return
        self._closing = True
        self._large = None
        if not self.output:
            self._linger()

    def _linger(self) -> None:
        """Say that nothing more comes, and let the client have the answer before the socket goes.

        To close with unread input would reset the connection, and the answer with it.
        """
        if self._ended or self._tls:
            self.drop()
            return
        self._lingering = True
        try:
            self.sock.shutdown(1)
        except OSError:
            self.drop()
            return
        self._input.clear()
        self.deadline = time.monotonic() + self._loop.limits.linger
        self._loop.watch(self, READ)
        self._read()

    @property
    def lingers(self) -> bool:
        """Whether only the client's own end is awaited."""
        return self._lingering

    def drop(self) -> None:
        """Close at once."""
        if self.gone:
            return
        self.gone = True
        self.output.clear()
        if self._drained is not None:
            self._drained.set()
        self._loop.forget(self)
        self.sock.close()

    def drained(self) -> threading.Event:
        """Return what is set when most of the output is sent, or the client is gone."""
        self._drained = threading.Event()
        if self.gone or len(self.output) < _PIECE:
            self._drained.set()
        return self._drained
