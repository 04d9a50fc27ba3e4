"""Work that goes on while the program does something else.

Its thread is one that Python waits for before it ends, so that nothing is left half done when a
program's last line is a deployment; an error that nobody has asked for is printed then.
"""

import atexit
import threading
from collections.abc import Callable

from scoredock.errors import ScoredockError
from scoredock.output import print_error


class Operation:
    """Something that has been begun; result() waits for its end."""

    def __init__(self, work: Callable[[Callable[[], None]], None], *, doing: str) -> None:
        """Begin `work`, which is given what marks how far it has come; `doing` says what it is."""
        self._work = work
        self._is_marked = False
        self._settled = threading.Event()
        self._error: BaseException | None = None
        self._is_told = False
        self._thread = threading.Thread(target=self._run, name=f"scoredock: {doing}")
        self._thread.start()
        atexit.register(self._tell)

    @property
    def is_running(self) -> bool:
        """Whether it goes on still."""
        return self._thread.is_alive()

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with an error."""
        return not self.is_running and self._error is not None

    @property
    def error(self) -> str | None:
        """What it has failed with."""
        return None if self.is_running or self._error is None else str(self._error)

    def wait(self, timeout: float) -> bool:
        """Wait for the end, for some seconds at most; return whether it has come."""
        self._thread.join(timeout)
        return not self.is_running

    def wait_for_mark(self) -> None:
        """Wait until the work has come so far, and raise its error where it has not."""
        self._settled.wait()
        if not self._is_marked:
            self.result()

    def result(self) -> None:
        """Wait for the end and raise the error that it came with."""
        self._thread.join()
        self._is_told = True
        if self._error is not None:
            raise self._error

    def _mark(self) -> None:
        self._is_marked = True
        self._settled.set()

    def _run(self) -> None:
        try:
            self._work(self._mark)
        except BaseException as error:
            self._error = error
        finally:
            self._settled.set()
            if self._error is None:
                atexit.unregister(self._tell)

    def _tell(self) -> None:
        if self._is_told or self._error is None:
            return
        if isinstance(self._error, ScoredockError):
            print_error(self._error)
            return
        raise self._error
