"""A limit on the time of a run() that a worker calls in a thread other than the main one.

No signal reaches such a thread. So it has a companion, the same one for each of its requests, which
calls run() while it waits: it answers in time, whatever run() does. A companion whose run() goes on
is told to stop, and left behind.
"""

import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, Callable, Optional

from flask import copy_current_request_context, has_request_context

from scoredock_server import log
from scoredock_server.deadline import ScoringTimeoutError
from scoredock_server.exchange import Exchange, current, set_current

try:
    from contextvars import copy_context
except ImportError:  # Python 3.6
    copy_context = None  # type: ignore[assignment]


class Limiter:
    """Calls what may take `milliseconds`; a worker whose call takes `stuck_after` seconds ends.

    0 is never.
    """

    def __init__(self, milliseconds: int, stuck_after: int) -> None:
        self._milliseconds = milliseconds
        self._stuck_after = stuck_after
        self._own = threading.local()

    def call(self, function: Callable[[], Any]) -> Any:
        """Return what it returns, or raise what it raises. Raises ScoringTimeoutError."""
        companion: Optional[_Companion] = getattr(self._own, "companion", None)
        if companion is None:
            companion = self._own.companion = _Companion()
        call = _Call(function)
        companion.calls.put(call)
        if not call.ended.wait(min(self._milliseconds / 1000, threading.TIMEOUT_MAX)):
            del self._own.companion
            log.server.error("run() has not ended in time, and is here:\n%s", companion.where())
            companion.stop()
            self._watch(call)
            raise ScoringTimeoutError.after(self._milliseconds)
        if call.error is not None:
            raise call.error
        return call.result

    def _watch(self, call: "_Call") -> None:
        if self._stuck_after:
            seconds = self._stuck_after - self._milliseconds / 1000
            timer = threading.Timer(max(0.0, seconds), self._end_if_stuck, [call])
            timer.daemon = True
            timer.start()

    def _end_if_stuck(self, call: "_Call") -> None:
        if not call.ended.is_set():
            log.server.error("run() has not ended for %s s: another worker", self._stuck_after)
            os.kill(os.getpid(), signal.SIGTERM)  # it answers the others first


class _Call:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.ended = threading.Event()
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self._exchange: Optional[Exchange] = current()
        self._function = function
        self._run = self._in_context
        # Flask's request where that belongs to a thread: before 2.2, or on Python 3.6.
        self._copied = copy_current_request_context(function) if has_request_context() else function
        if copy_context is not None:
            context = copy_context()
            self._run = lambda: context.run(self._in_context)

    def __call__(self) -> None:
        set_current(self._exchange)
        try:
            self.result = self._run()
        except BaseException as error:
            self.error = error
        finally:
            set_current(None)
            self.ended.set()

    def _in_context(self) -> Any:
        return self._function() if has_request_context() else self._copied()


class _Companion:
    """Of a thread that calls; it ends with it."""

    def __init__(self) -> None:
        self.calls: "queue.Queue[Optional[_Call]]" = queue.Queue()
        self._thread = threading.Thread(target=_work, args=[self.calls], daemon=True, name="run")
        self._thread.start()

    def where(self) -> str:
        """Return the lines of code that it is at."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)[-20:]) if frame else "unknown"

    def stop(self) -> None:
        """Have what it calls end with an error, if it is in Python, and then itself."""
        import ctypes  # a megabyte that most processes never need

        self.calls.put(None)
        thread = ctypes.c_ulong(self._thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(ScoringTimeoutError))

    def __del__(self) -> None:
        self.calls.put(None)


def _work(calls: "queue.Queue[Optional[_Call]]") -> None:
    try:
        for call in iter(calls.get, None):
            call()
            del call
    except ScoringTimeoutError:  # which came as the call had just ended
        pass
