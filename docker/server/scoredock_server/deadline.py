"""A limit on the time that run() may take."""

import signal
import time

# signal.getsignal() looks for an Enum's member as well: 6 microseconds of each request.
from _signal import getsignal  # type: ignore[import-not-found]
from typing import Any

# A timer that is older is set again: the script may have stopped it for one of its own.
_TRUSTED = 1.0


class ScoringTimeoutError(TimeoutError):
    """run() took longer than SCORING_TIMEOUT_MS; raised inside it."""

    @classmethod
    def after(cls, milliseconds: int) -> "ScoringTimeoutError":
        """Return the error of a limit; its message is the reference server's."""
        return cls("Scoring timeout after {} ms".format(milliseconds))


class deadline:  # noqa: N801 - used like a word of the language
    """Raise ScoringTimeoutError in the block after `milliseconds`; 0 is no limit.

    A signal does that, so it is for the main thread only: that is where our worker and gunicorn's
    sync worker run requests; for others see run_thread.py. What computes outside of Python's
    interpreter is stopped when it returns.
    """

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds
        self._before: Any = None

    def __enter__(self) -> None:
        if not self._milliseconds:
            return
        if getsignal(signal.SIGALRM) is not _timer.on_signal:
            self._before = signal.signal(signal.SIGALRM, _timer.on_signal)
            _timer.forget()
        try:
            _timer.begin(self._milliseconds)
        except ScoringTimeoutError:
            _timer.end()
            raise

    def __exit__(self, *_: Any) -> None:
        if self._milliseconds:
            _timer.end()
            if callable(self._before):  # the script's own
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, self._before)


class _Timer:
    """The process's timer. It is not stopped at a block's end, nor set where it runs already.

    To set it for each request, and the signal's handler, costs as much as to parse the request.
    Where it goes off too early for a block, it is set for the rest.
    """

    def __init__(self) -> None:
        self._ends = 0.0  # the block; 0 outside of one
        self._milliseconds = 0
        self._set_at = 0.0
        self._goes_off = 0.0
        self.on_signal = self._on_signal

    def begin(self, milliseconds: int) -> None:
        now = time.monotonic()
        self._milliseconds = milliseconds
        self._ends = now + milliseconds / 1000
        if not now - _TRUSTED < self._set_at or not now < self._goes_off <= self._ends:
            self._set(now)

    def end(self) -> None:
        self._ends = 0.0

    def forget(self) -> None:
        """Set the timer in any case, the next time."""
        self._set_at = 0.0

    def _set(self, now: float) -> None:
        self._set_at = now
        self._goes_off = self._ends
        # Again each second: what calls back into Python, as an event loop, may swallow the error.
        signal.setitimer(signal.ITIMER_REAL, max(self._ends - now, 0.0001), 1)

    def _on_signal(self, _signal: int, _frame: Any) -> None:
        if not self._ends:
            self.forget()
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        now = time.monotonic()
        if now < self._ends:
            self._set(now)
        else:
            raise ScoringTimeoutError.after(self._milliseconds)


_timer = _Timer()
