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
from typing import Any, Callable, Dict, List, NamedTuple, NoReturn, Optional, Set

from scoredock_server import log, metric_files, metrics
from scoredock_server.settings import Settings

_DESCRIPTORS = "/proc/self/fd"
_THREADS = "/proc/self/task"


class Loader:
    """Loads the application: in the master, for all workers, or in the worker that asks for it.

    `environ` is what the server was started with.
    """

    def __init__(self, settings: Settings, environ: Dict[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._master = os.getpid()
        self._modules = set(sys.modules)
        self._changed: Dict[str, Optional[str]] = {}
        self._collectors: Set[Any] = set()
        self._app: Any = None

    def load(self, create_app: Callable[[], Any]) -> Any:
        """Return the application. Raises SystemExit where it cannot be loaded."""
        if os.getpid() != self._master:
            return _frozen(create_app())
        again = self._app is not None
        own = self._forget() if again else {}
        self._collectors = metrics.collectors()
        tried = is_tried(self._settings)
        before, environ = look() if tried else None, dict(os.environ)
        try:
            app = create_app()
            refusal = reason_against(before) if before is not None else ""
        except SystemExit:
            if not again:
                raise
            refusal = "it cannot be loaded"
        self._changed = {
            name: environ.get(name)
            for name in set(os.environ) | set(environ)
            if os.environ.get(name) != environ.get(name)
        }
        if refusal and again:
            log.server.error("The script from before the reload goes on: %s", refusal)
            sys.modules.update(own)
        elif refusal:
            log.server.info("Each worker loads the script itself: %s", refusal)
            self._start_again()
        else:
            if tried:
                log.server.info("The script is loaded once, for all workers")
            self._app = app
        return _frozen(self._app)

    def _forget(self) -> Dict[str, Any]:
        """Undo what the last load did to the process; return the modules that it brought."""
        if hasattr(gc, "unfreeze"):  # Python 3.7
            gc.unfreeze()
        for name, value in self._changed.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        metrics.forget_collectors(self._collectors)
        return forget_modules(self._settings, self._modules)

    def _start_again(self) -> NoReturn:
        """Become a server that has loaded nothing; it listens to nothing yet, either."""
        sys.stdout.flush()
        sys.stderr.flush()
        by_name = os.path.basename(sys.argv[0]) == "__main__.py"
        program = ["-m", "scoredock_server"] if by_name else sys.argv[:1]
        environ = dict(self._environ, SCOREDOCK_WORKER_PRELOAD="false")
        os.execve(sys.executable, [sys.executable] + program, environ)  # noqa: S606


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
    # A server beside another one listens already.
    alone = (
        settings.worker_count == 1
        or settings.watch
        or settings.reload_socket
        or settings.port_from
        or settings.debug_port
    )
    return settings.worker_preload is None and not alone and os.path.isdir(_DESCRIPTORS)


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


def forget_modules(settings: Settings, before: "set[str]") -> Dict[str, Any]:
    """Take the script's own modules out of sys.modules, for a reload; return them.

    `before` are the names of those that were there before it was loaded. Installed packages stay.
    """
    folders: List[str] = [
        os.path.join(os.path.realpath(folder), "")
        for folder in (
            settings.app_root,
            settings.source_folder,
            os.path.dirname(settings.script_path),
        )
    ]
    own = {}
    for name in set(sys.modules) - before:
        path = os.path.realpath(getattr(sys.modules[name], "__file__", None) or os.sep)
        inside = any(path.startswith(folder) for folder in folders)
        if inside and "site-packages" not in path.split(os.sep):
            own[name] = sys.modules.pop(name)
    return own
