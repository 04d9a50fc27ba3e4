"""An answer that is ready to be sent."""

from typing import Callable, Optional


class Answer:
    """The bytes of an answer, and what is to be told of it once they are sent."""

    def __init__(
        self, data: bytes, *, keep: bool, tell: Optional[Callable[[], None]] = None
    ) -> None:
        self.data = data
        self.keep = keep
        self._tell = tell

    def tell(self) -> None:
        """Write the request's lines, and count it."""
        if self._tell is not None:
            self._tell()
