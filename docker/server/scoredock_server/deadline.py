"""A limit on the time that run() may take."""

import signal
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Iterator

from scoredock_server import log


class ScoringTimeoutError(TimeoutError):
    """run() took longer than SCORING_TIMEOUT_MS; raised inside it."""


@contextmanager
def deadline(milliseconds: int) -> Iterator[None]:
    """Raise ScoringTimeoutError in the block after `milliseconds`; 0 is no limit.

    A signal does that, so the limit holds in the main thread only: that is where gunicorn's sync
    worker runs requests. What computes outside of Python's interpreter is stopped when it returns.
    """
    if not milliseconds:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        _warn()
        yield
        return

    def expire(_signal: int, _frame: Any) -> None:
        raise ScoringTimeoutError("Scoring timeout after {} ms".format(milliseconds))

    before = signal.signal(signal.SIGALRM, expire)
    # Again each second: what calls back into Python, as an event loop, may swallow the error.
    signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000, 1)
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # where it has expired just now
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@lru_cache(maxsize=None)
def _warn() -> None:
    """Say once for each process what would otherwise go unnoticed."""
    log.server.warning("SCORING_TIMEOUT_MS has no effect: run() is not in the main thread")
