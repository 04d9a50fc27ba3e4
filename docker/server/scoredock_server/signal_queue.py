"""The signals that a process has got, one after another, for one that sleeps in select()."""

import os
import signal
from contextlib import suppress
from typing import Iterable, Iterator, List


class SignalQueue:
    """Catches these signals; `wake` can be read when one has come, or a child has ended."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = [*numbers, signal.SIGCHLD]
        self._came: List[int] = []
        self.wake, self._waker = os.pipe()
        for end in (self.wake, self._waker):
            os.set_blocking(end, False)

    def catch(self) -> None:
        """Begin."""
        signal.set_wakeup_fd(self._waker)
        for number in self._numbers:
            signal.signal(number, self._on_signal)

    def leave(self) -> None:
        """In a fork: have nothing to do with them."""
        signal.set_wakeup_fd(-1)
        for number in self._numbers:
            signal.signal(number, signal.SIG_DFL)
        for end in (self.wake, self._waker):
            os.close(end)

    def rest(self) -> None:
        """Forget what `wake` has to tell."""
        with suppress(BlockingIOError):
            os.read(self.wake, 4096)

    def take(self) -> Iterator[int]:
        """Yield those that have come."""
        while self._came:
            yield self._came.pop(0)

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self._came.append(number)
