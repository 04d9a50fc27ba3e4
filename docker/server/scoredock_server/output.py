"""What gunicorn writes an answer to: a connection in the place of its socket."""

import io
from typing import Any, Callable, Optional

from scoredock_server.incoming import CONTINUE

_PIECE = 65536


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
        if data != CONTINUE:
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
