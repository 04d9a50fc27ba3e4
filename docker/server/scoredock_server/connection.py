"""One connection of a client: what it has sent, what it is sent, and what it is waited for.

Nothing here blocks. Whoever holds the event loop's lock may call anything here.
"""

import io
import ssl
import threading
import time
from typing import Any, Callable, Optional

from gunicorn.http.errors import NoMoreData

from scoredock_server.framing import HEAD_END, Chunks, body_length, parse_head

READ, WRITE = 1, 2  # as in the selectors module
_PIECE = 65536
# What a client may have sent ahead while its request is answered.
_AHEAD = 65536
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """A client's connection.

    `request` is gunicorn's, from its head on; `busy` says that it has arrived in full and waits for
    its answer, or is answered. `body` is then its body, chunks as they came.
    """

    def __init__(self, loop: Any, sock: Any, address: Any, server: Any, *, tls: bool) -> None:
        self.sock = sock
        self.address = address
        self.server = server
        self.request: Any = None
        self.body = b""
        self.truncated = False
        self.busy = False
        self.gone = False
        self.fresh = True
        self.queued_at = 0.0
        self.deadline = 0.0
        self.interest = 0
        self.output = bytearray()
        self._loop = loop
        self._input = bytearray()
        self._scanned = 0
        self._length: Optional[int] = 0
        self._chunks: Optional[Chunks] = None
        self._handshake = tls
        self._tls = tls
        self._ended = False
        self._closing = False
        self._lingering = False
        self._advancing = False
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
        wanted = _PIECE
        if self._length and self.request is not None and not self.busy:
            wanted = max(wanted, min(self._length - len(self._input), 16 * _PIECE))
        while not self.gone:
            try:
                data = self.sock.recv(wanted)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self.drop()
                return
            if not data:
                self._on_end()
                return
            if self._lingering:
                continue
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

    def advance(self) -> None:
        """Take the requests from what has come that are there in full; stop at one that waits."""
        if self._advancing:
            return  # further up in the stack
        self._advancing = True
        try:
            while self._input and not (self._closing or self.gone or self.busy):
                if not self._advance():
                    break
        finally:
            self._advancing = False
        if self.busy and len(self._input) > _AHEAD:
            self._loop.watch(self, self.interest & ~READ)

    def _advance(self) -> bool:
        """Take one request; return whether there may be another one behind it."""
        if self.request is None:
            taken = self._take_head()
            if self.request is None:  # or it has had its answer at once
                return taken
        end = self._body_end()
        if end is None:
            if not self._ended:
                return False
            end, self.truncated = len(self._input), True
        self.body = bytes(self._input[:end])
        del self._input[:end]
        self.busy = True
        self.fresh = False
        self._loop.has_arrived(self)
        return True

    def _take_head(self) -> bool:
        """Take a request's head from what has come; return whether it is there."""
        end = self._input.find(HEAD_END, max(0, self._scanned - 3))
        if end < 0:
            if not (self._ended or self._loop.limits.too_long(self._input)):
                if not self._scanned:
                    self._loop.expect_head(self)
                self._scanned = len(self._input)
                return False
            head = bytes(self._input)
        else:
            head = bytes(self._input[: end + len(HEAD_END)])
        del self._input[: len(head)]
        self._scanned = 0
        try:
            self.request = parse_head(self._loop.config, head, self.address)
            self._length = body_length(self.request)
        except (StopIteration, NoMoreData):
            self.drop()
            return False
        except Exception as error:
            self.request = None
            self._loop.refuse(self, error)
            return False
        self._chunks = Chunks() if self._length is None else None
        self._loop.begins(self, self._length)
        return not self._closing

    def _body_end(self) -> Optional[int]:
        if self._chunks is not None:
            end = self._chunks.end(self._input)
        else:
            end = self._length if len(self._input) >= (self._length or 0) else None
        if end is None:
            self._loop.expect_body(self, len(self._input))
            self._continue()
        return end

    def _continue(self) -> None:
        """Tell a client that asked for it that its body is awaited."""
        if self.request.version >= (1, 1) and not getattr(self.request, "was_told", False):
            self.request.was_told = True
            for name, value in self.request.headers:
                if name == "EXPECT" and value.lower() == "100-continue":
                    self.send(_CONTINUE)

    def whole(self) -> bool:
        """Whether `body` is the request's body as it is."""
        return self._chunks is None and not self.truncated

    def broken(self) -> bool:
        """Whether it is unknown where the next request would begin."""
        return self.truncated or (self._chunks is not None and self._chunks.broken)

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


class Output:
    """A connection as the socket that gunicorn writes an answer to.

    Head and body are kept together until `flush`; `send_now` gets the pieces.
    """

    def __init__(self, send_now: Callable[[bytes], None]) -> None:
        self._pieces = io.BytesIO()
        self._send_now = send_now
        self.flushed = False

    def send(self, data: bytes) -> int:
        """Take what gunicorn sends beside an answer: the loop has sent that 100 Continue."""
        if data != _CONTINUE:
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self._pieces.write(data)

    def sendfile(self, file: Any, offset: int = 0, count: Optional[int] = None) -> int:
        """Take a file, in pieces."""
        file.seek(offset)
        sent = 0
        while count is None or sent < count:
            data = file.read(_PIECE if count is None else min(_PIECE, count - sent))
            if not data:
                break
            self.sendall(data)
            self.flush()
            sent += len(data)
        return sent

    def gettimeout(self) -> float:
        """Return what a non-blocking socket returns."""
        return 0.0

    def setblocking(self, _blocks: Any) -> None:
        """Do nothing: it never blocks."""

    def take(self) -> bytes:
        """Return what has been written since the last time."""
        data = self._pieces.getvalue()
        self._pieces = io.BytesIO()
        return data

    def flush(self) -> None:
        """Send what has been written."""
        data = self.take()
        if data:
            self.flushed = True
            self._send_now(data)
