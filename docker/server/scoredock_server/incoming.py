"""The requests in what a client sends, taken one after another."""

from abc import ABC, abstractmethod
from typing import Any, Optional

from gunicorn.http.errors import NoMoreData

from scoredock_server.framing import HEAD_END, Chunks
from scoredock_server.large_body import LargeBody, is_worth_it

READ, WRITE = 1, 2  # as in the selectors module
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What a client may have sent ahead while its request is answered.
_AHEAD = 65536


class Incoming(ABC):
    """The half of a connection that takes requests from what has come.

    `request` is gunicorn's, from its head on; `busy` says that it has arrived in full and waits for
    its answer, or is answered. `body` is then its body, bytes or a bytearray, chunks as they came,
    and `begun` what is known of it where it has waited for its answer together with others.
    """

    def __init__(self, loop: Any, address: Any) -> None:
        self.address = address
        self.request: Any = None
        self.body: Any = b""
        self.begun: Any = None
        self.truncated = False
        self.busy = False
        self.gone = False
        self.fresh = True
        self.interest = 0
        self._loop = loop
        self._input = bytearray()
        self._scanned = 0
        self._length: Optional[int] = 0
        self._chunks: Optional[Chunks] = None
        self._large: Optional[LargeBody] = None  # while it comes
        self._ended = False
        self._closing = False
        self._advancing = False

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send."""

    @abstractmethod
    def drop(self) -> None:
        """Close at once."""

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
        if self._closing:
            return False
        if end is None:
            if not self._ended:
                return False
            end, self.truncated = len(self._input), True
        if self._large is not None:
            self.body, self._large = self._large.taken(), None
        else:
            with memoryview(self._input) as view:
                self.body = bytes(view[:end])  # one copy; a slice of the input would be another
            del self._input[:end]
        self.busy = True
        self.fresh = False
        self._loop.answers.arrived(self)
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
            self.request, self._length = self._loop.heads.parse(head, self.address)
        except (StopIteration, NoMoreData):
            self.drop()
            return False
        except Exception as error:
            self.request = None
            self._loop.answers.refuse(self, error)
            return False
        self._chunks = Chunks() if self._length is None else None
        self._loop.answers.begins(self, self._length or 0)
        return not self._closing

    def _body_end(self) -> Optional[int]:
        if self._large is not None:
            end = 0 if self._large.is_whole else None
        elif self._chunks is not None:
            end = self._chunks.end(self._input)
        else:
            end = self._length if len(self._input) >= (self._length or 0) else None
        if end is None:
            if self._length and is_worth_it(self._length, len(self._input)):
                self._large = LargeBody(self._length, self._input)
                self._input.clear()
            self._loop.expect_body(self)
            if self._loop.answers.grows(self, len(self._input)):
                self._continue()
        return end

    def _continue(self) -> None:
        """Tell a client that asked for it that its body is awaited."""
        if self.request.version >= (1, 1) and not getattr(self.request, "was_told", False):
            self.request.was_told = True
            for name, value in self.request.headers:
                if name == "EXPECT" and value.lower() == "100-continue":
                    self.send(CONTINUE)

    def whole(self) -> bool:
        """Whether `body` is the request's body as it is."""
        return self._chunks is None and not self.truncated

    def broken(self) -> bool:
        """Whether it is unknown where the next request would begin."""
        return self.truncated or (self._chunks is not None and self._chunks.broken)
