"""The thread that turns the event loop while the main thread is in a run() that takes long."""

import os
import signal
import threading
import time
from typing import Any, Callable, List

from gunicorn import util

from scoredock_server import log
from scoredock_server.event_loop import EventLoop, drain_pipe

# After so long it sees to the connections.
_TICK = 0.01
# It sleeps when nothing was to be answered for so many ticks.
_TICKS_AWAKE = 100


class SecondThread:
    """Stands in for the main thread, which has the loop but between `begin` and `end`.

    `turn` turns the loop once; `overdue` is called where a request has not ended in its time, and
    `lost` where it has not after lose().
    """

    def __init__(
        self,
        loop: EventLoop,
        turn: Callable[[float], None],
        overdue: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._turn = turn
        self._overdue = overdue
        self._lost = lost
        self._overdue_at = 0.0
        self._seconds = 0.0
        self._lost_at = 0.0
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._serial = 0
        self._runs = False
        self._wanted = False
        self._asleep = False
        self._wakes, self._wake = os.pipe()
        for descriptor in (self._wakes, self._wake):
            util.set_non_blocking(descriptor)
            util.close_on_exec(descriptor)
        loop.watch_pipe(self._wakes, lambda: drain_pipe(self._wakes))

    def start(self) -> None:
        """Start; the main thread has the loop."""
        self._lock.acquire()
        # Each signal is the main thread's.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _all_signals())
        thread = threading.Thread(target=self._stand_by, name="connections", daemon=True)
        # A debugger that holds all threads at a breakpoint is to leave this one alone.
        vars(thread).update(pydev_do_not_trace=True, is_pydev_daemon_thread=True)
        thread.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def begin(self, seconds: float) -> None:
        """The main thread begins with a request: who wants may have the loop.

        The request is overdue after so many seconds; 0 is never.
        """
        self._seconds = seconds
        self._overdue_at = self._loop.now + seconds if seconds else 0.0
        self._serial += 1
        self._runs = True
        if self._asleep:
            self._awake.set()
        self._lock.release()

    def is_answered(self) -> None:
        """The request has the beginning of its answer: it is not overdue any more."""
        self._overdue_at = 0.0

    def renew(self) -> None:
        """Let the time after which the request is overdue begin anew."""
        if self._overdue_at:
            self._overdue_at = time.monotonic() + self._seconds

    def lose(self, seconds: float) -> None:
        """Give the main thread so many seconds to end its request, once its time is over."""
        self._lost_at = self._lost_at or time.monotonic() + seconds

    def end(self) -> None:
        """The main thread has its answer and the loop."""
        self.__enter__()
        self._runs = False

    def __enter__(self) -> None:
        """Have the loop for a moment during a request."""
        if self._lock.acquire(False):
            return
        self._wanted = True
        os.write(self._wake, b"1")
        self._lock.acquire()
        self._wanted = False

    def __exit__(self, *_: Any) -> None:
        self._lock.release()

    def _stand_by(self) -> None:
        seen = -1
        quiet = 0
        while True:
            time.sleep(_TICK)
            quiet = quiet + 1 if self._serial == seen else 0
            if quiet and self._runs:
                self._stand_in(seen)
                quiet = 0
            elif quiet > _TICKS_AWAKE:
                self._asleep = True
                if self._serial == seen:
                    self._awake.wait()
                self._asleep = False
                self._awake.clear()
            seen = self._serial

    def _stand_in(self, serial: int) -> None:
        """Turn the loop while the main thread runs that one request."""
        with self._lock:
            if not self._runs or self._serial != serial:
                return
            self._loop.host(True)
            while not self._wanted:
                try:
                    self._turn(self._until_overdue())
                except Exception:
                    log.server.exception("this is a fault of the server")
            self._loop.host(False)

    def _until_overdue(self) -> float:
        """Return how long the loop may wait for events; call `overdue` or `lost` in time."""
        now = time.monotonic()
        if self._lost_at and self._lost_at <= now:
            self._lost()
        if self._overdue_at and self._overdue_at <= now:
            self._overdue_at = 0.0
            self._overdue()
        return max(0.0, min(self._overdue_at or now + 1, self._lost_at or now + 1, now + 1) - now)


def _all_signals() -> List[int]:
    known = getattr(signal, "valid_signals", None)
    return list(known()) if known else list(range(1, signal.NSIG))
