"""A long body, received where it stays: it is not copied before the script has it."""

from typing import Any

_LARGE = 65536
# A client that says much and sends little does not get the memory.
_MOST_AHEAD = 16


def is_worth_it(length: int, received: int) -> bool:
    """Tell whether a body is to have a buffer, once so many of its bytes have come."""
    return length - received > _LARGE and length <= _MOST_AHEAD * received


class LargeBody:
    """A buffer for a body of known length, of which the beginning has come."""

    def __init__(self, length: int, beginning: bytearray) -> None:
        self._data = bytearray(length)
        self._received = len(beginning)
        self._data[: self._received] = beginning

    def receive(self, sock: Any) -> int:
        """Take what a socket has, up to the body's end; return how many bytes that are."""
        with memoryview(self._data) as view, view[self._received :] as rest:
            count: int = sock.recv_into(rest)
        self._received += count
        return count

    @property
    def is_whole(self) -> bool:
        """Whether all of it has come."""
        return self._received == len(self._data)

    def taken(self) -> Any:
        """Return what has come: a bytearray of its own where that is all."""
        return self._data if self.is_whole else bytes(self._data[: self._received])
