"""Serve what the entry script's folders hold now: after a change, by a server beside the old one.

Each server is a fork of this process, which has loaded nothing of the script's, and listens to the
same sockets. Once the new one's init() has run, the old one is told to end what it has begun. One
that cannot be loaded ends, and the old one goes on. The files are looked at again and again: a
folder that is mounted from another machine tells of no change.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Callable, Dict, List, Optional, Set, Tuple

from scoredock_server import log
from scoredock_server.settings import Settings

_EVERY = 0.15
_LEFT_OUT = {"__pycache__", "azureml-models", "node_modules", "site-packages"}
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

# When it was last written, how long it is, and which file it is; by path.
Files = Dict[str, Tuple[int, int, int]]


def serve_and_watch(settings: Settings, run: Callable[..., None]) -> None:
    """Serve until a signal ends it. Raises SystemExit with the server's status.

    `run` is called in a process of its own for each server; see ScoringServer for what it takes.
    """
    # What each server would import again; no user's module is among it.
    from scoredock_server import app  # noqa: F401

    # A compiled file is known by its source's second and size: an edit may keep both.
    sys.dont_write_bytecode = True
    log.configure(settings)
    watcher = _Watcher(settings)
    server = watcher.watch()
    if server is not None:  # this is the fork
        run(ready=server.tell, replaces=server.replaces)
    sys.exit(watcher.status)


class _Server:
    """A server; `replaces` says whether another one serves while it starts."""

    def __init__(self, pid: int, pipe: int, *, replaces: bool) -> None:
        self.pid = pid
        self.pipe = pipe
        self.replaces = replaces
        self.began = time.monotonic()

    def tell(self) -> None:
        """In each of its workers: say that init() has run; after the first nobody listens."""
        with suppress(BrokenPipeError):
            os.write(self.pipe, b"1")

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


class _Watcher:
    def __init__(self, settings: Settings) -> None:
        self.status = 0
        self._settings = settings
        self._serving: Optional[_Server] = None
        self._starting: Optional[_Server] = None
        self._ending: Set[int] = set()
        self._seen = _files(settings)
        self._found = self._seen
        self._rested = 0.0
        self._signals: List[int] = []
        self._is_over = False

    def watch(self) -> Optional[_Server]:
        """Return at the end; in the process of each server, return that."""
        for number in _SIGNALS:
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        folders = " and ".join(sorted(_folders(self._settings)))
        log.server.info("Watching the Python files of %s", folders)
        begun = self._fork()
        while begun is None:
            self._wait()
            self._obey()
            self._reap()
            if self._is_over:
                if not (self._serving or self._starting or self._ending):
                    return None
            elif self._has_changed():
                begun = self._fork()
        return begun

    def _fork(self) -> Optional[_Server]:
        """Start a server in place of one that is still starting; return it in its own process."""
        if self._starting:
            self._starting.send(signal.SIGQUIT)
            self._ending.add(self._starting.pid)
            os.close(self._starting.pipe)
        replaces = self._serving is not None
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if not pid:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            os.close(reader)
            return _Server(os.getpid(), writer, replaces=replaces)
        os.close(writer)
        self._starting = _Server(pid, reader, replaces=replaces)
        return None

    def _wait(self) -> None:
        """Sleep for a moment, or until the server that starts is ready."""
        starting = self._starting
        if not starting:
            time.sleep(_EVERY)
            return
        if select.select([starting.pipe], [], [], _EVERY)[0] and os.read(starting.pipe, 1):
            os.close(starting.pipe)
            before, self._serving, self._starting = self._serving, starting, None
            if before:
                seconds = time.monotonic() - starting.began
                log.server.info("Loaded in %.1f s: it serves from now on", seconds)
                before.send(signal.SIGTERM)
                self._ending.add(before.pid)

    def _obey(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            if number == signal.SIGHUP:
                self._seen = {}  # as if all had changed
                continue
            self._is_over = True
            for pid in self._pids():
                os.kill(pid, number)

    def _pids(self) -> Set[int]:
        return self._ending | {each.pid for each in (self._serving, self._starting) if each}

    def _reap(self) -> None:
        for pid in self._pids():
            ended, state = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ended(pid, _status(state))

    def _ended(self, pid: int, status: int) -> None:
        self._ending.discard(pid)
        if self._starting and self._starting.pid == pid:
            os.close(self._starting.pipe)
            self._starting = None
            if self._serving and not self._is_over:
                log.server.error(
                    "It cannot be loaded: the server ended with %s, see above. What served before"
                    " still does",
                    status,
                )
        elif self._serving and self._serving.pid == pid:
            self._serving = None
        else:
            return
        if not (self._serving or self._starting):
            self._is_over = True
            self.status = status

    def _has_changed(self) -> bool:
        """Tell whether a file has changed since the last server was started, and rests now."""
        began = time.monotonic()
        if began < self._rested:
            return False
        before, self._found = self._found, _files(self._settings)
        # A folder with very many files may not take a processor for itself.
        now = time.monotonic()
        self._rested = now + 5 * (now - began)
        if self._found in (self._seen, {}) or self._found != before:
            return False
        changed = [path for path, state in self._found.items() if self._seen.get(path) != state]
        changed += sorted(set(self._seen) - set(self._found))
        names = [os.path.basename(path) for path in changed[:5]]
        log.server.info("%s changed: loading the script anew", ", ".join(names))
        self._seen = self._found
        return True


def _status(state: int) -> int:
    """Return the status that a shell would show."""
    return 128 + os.WTERMSIG(state) if os.WIFSIGNALED(state) else os.WEXITSTATUS(state)


def _folders(settings: Settings) -> Set[str]:
    script = os.path.dirname(settings.script_path)
    source = os.path.normpath(settings.source_folder)
    inside = script == source or script.startswith(source + os.sep)
    return {source} if inside else {source, script}


def _files(settings: Settings) -> Files:
    """Return the state of every file that counts."""
    files: Files = {}
    config = settings.config_file or "config.json"
    for folder in _folders(settings):
        for parent, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if _counts(parent, name)]
            for name in names:
                if name.endswith(".py"):
                    _note(files, os.path.join(parent, name))
    for folder in (settings.app_root, os.path.dirname(settings.script_path)):
        _note(files, os.path.join(folder, config))
    return files


def _counts(parent: str, name: str) -> bool:
    if name.startswith(".") or name in _LEFT_OUT:
        return False
    return not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))


def _note(files: Files, path: str) -> None:
    try:
        state = os.stat(path)
    except OSError:  # it is being replaced just now, or is not there
        return
    files[path] = (state.st_mtime_ns, state.st_size, state.st_ino)
