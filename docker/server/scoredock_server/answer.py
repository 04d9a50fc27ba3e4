"""An answer that is ready to be sent."""

from typing import Any


class Answer:
    """The bytes of an answer, and what the log says of it."""

    def __init__(self, data: bytes, *, keep: bool, log: Any = None, line: Any = None) -> None:
        self.data = data
        self.keep = keep
        self._log = log
        self._line = line

    def log(self) -> None:
        """Write the request's lines."""
        if self._log:
            self._log.write(self._line)
