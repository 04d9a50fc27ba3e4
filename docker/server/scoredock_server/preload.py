"""Load the script once, before the workers are forked, where that is safe.

A fork copies memory and shares what is open; threads it leaves behind. What init() has left running
or open is therefore the question: with nothing of that, a worker that is forked is as good as one
that has loaded the script itself, and the model is in memory once.
"""

import gc
import os
import sys
import threading
from contextlib import suppress
from typing import Any, Callable, Dict, NamedTuple, NoReturn

from scoredock_server import log, metric_files
from scoredock_server.settings import Settings

_DESCRIPTORS = "/proc/self/fd"
_THREADS = "/proc/self/task"


class Loader:
    """Loads the application: in the master, for all workers, or in the worker that asks for it.

    `start_again` is called in a master that is no use to them.
    """

    def __init__(self, settings: Settings, start_again: Callable[[], NoReturn]) -> None:
        self._settings = settings
        self._start_again = start_again
        self._master = os.getpid()

    def load(self, create_app: Callable[[], Any]) -> Any:
        """Return the application. Raises SystemExit where it cannot be loaded, or not for all."""
        if os.getpid() != self._master or not is_tried(self._settings):
            return _frozen(create_app())
        before = look()
        app = create_app()
        refusal = reason_against(before)
        if refusal:
            log.server.info("Each worker loads the script itself: %s", refusal)
            sys.stdout.flush()
            sys.stderr.flush()
            self._start_again()  # without all that runs and is open
        log.server.info("The script is loaded once, for all workers")
        return _frozen(app)


def _frozen(app: Any) -> Any:
    """Keep the collector off what is loaded: it would write to memory that the workers share."""
    if hasattr(gc, "freeze"):  # Python 3.7
        gc.freeze()
    return app


class Process(NamedTuple):
    """What this process has running and open: the number of threads, descriptors by number."""

    threads: int
    open: Dict[str, str]


def is_tried(settings: Settings) -> bool:
    """Tell whether the script is to be loaded once, if it can be, although nobody has said so."""
    several = settings.worker_count > 1 and not settings.debug_port
    return settings.worker_preload is None and several and os.path.isdir(_DESCRIPTORS)


def look() -> Process:
    """Return what this process has now."""
    found = {}
    for number in os.listdir(_DESCRIPTORS):
        try:
            found[number] = os.readlink(os.path.join(_DESCRIPTORS, number))
        except OSError:  # the one that listed the folder
            continue
    return Process(len(os.listdir(_THREADS)), found)


def reason_against(before: Process) -> str:
    """Return what has come since `before` that a fork would lose or share; empty if nothing."""
    now = look()
    opened = sorted(
        name
        for number, name in now.open.items()
        # The files of the metrics are another one's in each process.
        if before.open.get(number) != name and not metric_files.has(name)
    )
    if opened:
        return "init() has left open: {}".format(", ".join(opened[:3]))
    if now.threads > before.threads:
        # OpenBLAS ends its threads before a fork, and starts them again when they are needed.
        _fork_for_nothing()
        more = len(os.listdir(_THREADS)) - before.threads
        if more > 0:
            named = [each.name for each in threading.enumerate()[1:]]
            names = " ({})".format(", ".join(named[:3])) if named else ""
            return "init() has left {} thread(s) running{}".format(more, names)
    return ""


def _fork_for_nothing() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    with suppress(ChildProcessError):  # gunicorn's handler of SIGCHLD was here first
        os.waitpid(child, 0)
