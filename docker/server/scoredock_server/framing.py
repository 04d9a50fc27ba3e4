"""Where a request on the wire ends: its head, and its body by length or in chunks.

A head is read by gunicorn's own parser; this tells when all of it, and all of the body that the
parser has announced, has arrived.
"""

import io
from typing import Any, Optional

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.parser import RequestParser

HEAD_END = b"\r\n\r\n"
# A line that tells the size of a chunk is a few characters; see also gunicorn's own limit.
_LONGEST_LINE = 8190


class Settings:
    """gunicorn's settings as plain attributes: its parser reads many of them for each request."""

    def __init__(self, config: Any) -> None:
        self._config = config
        for name, setting in config.settings.items():
            if not hasattr(type(config), name):  # that would be more than the setting
                setattr(self, name, setting.get())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)


class Received:
    """Bytes that have arrived, as the socket that gunicorn's parser reads."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Let `data` be read after what there is."""
        self._data = self._data[self._at :] + data
        self._at = 0

    def recv(self, size: int) -> bytes:
        """Return the next bytes; none is the connection's end."""
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data


def parse_head(config: Any, head: bytes, address: Any) -> Any:
    """Return gunicorn's request for a head; raises what its parser raises for a bad one.

    StopIteration or NoMoreData: the head is not complete.
    """
    source = Received(head)
    request = next(RequestParser(config, source, address))
    request.scoredock_source = source
    return request


def body_length(request: Any) -> Optional[int]:
    """Return the length of the body, or None for one in chunks."""
    reader = request.body.reader
    if isinstance(reader, LengthReader):
        return int(reader.length)
    if isinstance(reader, ChunkedReader):
        return None
    raise TypeError("a body of an unknown kind: {!r}".format(reader))


def give_body(request: Any, body: bytes) -> None:
    """Let the application read `body`: as it is, or what its chunks hold."""
    if isinstance(request.body.reader, ChunkedReader):
        request.scoredock_source.feed(body)
    else:
        request.body = Body(io.BytesIO(body))


def ends_where_expected(request: Any) -> bool:
    """Tell whether gunicorn finds the end of a body in chunks where Chunks has found it."""
    if not isinstance(request.body.reader, ChunkedReader):
        return True
    try:
        request.body.read()
        return not request.unreader.read()
    except Exception:
        return False


class Chunks:
    """Finds the end of a body in chunks while it arrives."""

    def __init__(self) -> None:
        self._at = 0
        self._trailers = False
        self.broken = False

    def end(self, data: bytearray) -> Optional[int]:
        """Return where the body ends, or None: not yet.

        What is no chunk ends the body with all that there is, and sets `broken`: gunicorn's reader
        will say what is wrong with it.
        """
        while not self._trailers:
            line_end = data.find(b"\r\n", self._at, self._at + _LONGEST_LINE + 2)
            if line_end < 0:
                return self._give_up(data) if len(data) - self._at > _LONGEST_LINE else None
            size = _chunk_size(data[self._at : line_end])
            if size is None:
                return self._give_up(data)
            if size == 0:
                self._at = line_end  # the trailers, or an empty line, follow this line break
                self._trailers = True
                break
            following = line_end + 2 + size
            if len(data) < following + 2:
                return None
            if data[following : following + 2] != b"\r\n":
                return self._give_up(data)
            self._at = following + 2
        found = data.find(HEAD_END, self._at)
        if found >= 0:
            return found + len(HEAD_END)
        return self._give_up(data) if len(data) - self._at > 8 * _LONGEST_LINE else None

    def _give_up(self, data: bytearray) -> int:
        self.broken = True
        return len(data)


def _chunk_size(line: bytearray) -> Optional[int]:
    digits = bytes(line).partition(b";")[0].strip(b" \t")
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        return None
    return int(digits, 16)
