"""A server as the process that it is forked from knows it, and as it knows itself."""

import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from typing import IO, Any, Callable, Dict, List, Optional, Tuple

from scoredock_server.changes import script_folders
from scoredock_server.libraries import Imported, Libraries, Variables
from scoredock_server.settings import Settings


class Server:
    """A server that starts or serves.

    `pipe` is where it is heard, `began` when it was started and `ready_since` when it was ready
    (seconds of time.monotonic()); `imported` is what it had imported by then. `replaces` says
    whether another one serves while it starts.
    """

    # What its workers say: that they are about to serve, that init() has to run elsewhere, and that
    # they take no more requests and have answered those that they took.
    READY = b"1"
    NOT_FIT = b"0"
    DONE = b"2"
    # The exit code of a process that no server can be made of: a "temporary failure" of sysexits.h.
    IS_NOT_FIT = 75
    # Of one that has loaded the script for all workers, where each must load it itself.
    IS_FOR_EACH = 76

    def __init__(self, settings: Settings, *, replaces: bool) -> None:
        self.replaces = replaces
        self.began = time.monotonic()
        self.ready_since = 0.0
        self.imported: Optional[Imported] = None
        self.supervisor = os.getpid()
        self.pid = 0
        self._workers = self._loaded = self._done = 0
        self.pipe, self._mouth = os.pipe()
        self._start, self._starter = os.pipe()
        self._report: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        # No debugger is imported ahead, nor what it has done to the modules.
        self._imports_ahead = not settings.debug_bind
        self._folders = script_folders(settings) | {settings.app_root}
        self._libraries = Libraries()

    # --- in the process that it is forked from ---

    def begin(self) -> bool:
        """Let one go on that has imported ahead; return whether it is there still."""
        self.began = time.monotonic()
        with suppress(BrokenPipeError):
            return bool(os.write(self._starter, b"1"))
        return False

    def hear(self) -> bytes:
        """Return what it says, or nothing where it has ended."""
        said = os.read(self.pipe, 4096)
        self._loaded += said.count(self.READY)
        self._done += said.count(self.DONE)
        if self.READY in said and not self._workers:
            report = self._read_report("workers")
            self._workers = report["workers"]
            self.imported = Imported(*report["imported"]) if report["imported"] else None
        if self.is_ready and not self.ready_since:
            self.ready_since = time.monotonic()
        return said

    @property
    def is_ready(self) -> bool:
        """Whether each of its workers is about to serve."""
        return 0 < self._workers <= self._loaded

    @property
    def is_done(self) -> bool:
        """Whether each of its workers has said that it is; one that was killed has not."""
        return self._done >= max(self._loaded, self._workers)

    def last_words(self) -> List[str]:
        """Return the last lines of the log of a worker that could not load the script."""
        lines: List[str] = self._read_report("log").get("log", [])
        return lines

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """Listen to it no more."""
        for end in (self.pipe, self._starter):
            os.close(end)
        self._report.close()

    # --- in its own process, and those of its workers ---

    def load_with(self) -> Variables:
        """Say that the script is about to be loaded; give what this returns to tell()."""
        return self._libraries.begin()

    def tell(self, variables: Variables, *, workers: int) -> None:
        """Say what init() has imported, once it has run, and how many workers there will be.

        Where that has to be done again by another process, this does not return.
        """
        imported = self._libraries.imported(variables, self._folders)
        if imported is None:
            self._say(self.NOT_FIT)
            while True:
                signal.pause()  # until it is killed
        known = imported if self._imports_ahead else None
        self._write_report({"workers": workers, "imported": known})

    def tell_ready(self) -> None:
        """Say that this worker is about to serve."""
        self._say(self.READY)

    def tell_failed(self, log: List[str]) -> None:
        """Say what was logged while the script could not be loaded."""
        self._write_report({"log": "\n".join(log).splitlines()[-40:]})

    def tell_done(self) -> None:
        """Say that this worker takes no more requests and has answered those that it took."""
        self._say(self.DONE)

    def import_ahead(self, imported: Imported) -> None:
        """Import what is named, and wait to be begun; end where that never comes or is no use."""
        if not self._libraries.import_ahead(imported):
            os._exit(self.IS_NOT_FIT)
        if not os.read(self._start, 1):  # nobody is there any more
            os._exit(0)
        if self._libraries.hides(self._folders):
            os._exit(self.IS_NOT_FIT)

    def is_forked(self) -> None:
        """Close what is the other process's."""
        os.close(self.pipe)
        os.close(self._starter)

    def was_forked(self, pid: int) -> None:
        """Close what is the new process's."""
        self.pid = pid
        os.close(self._mouth)
        os.close(self._start)

    def _write_report(self, report: Dict[str, Any]) -> None:
        line = json.dumps(report) + "\n"
        os.write(self._report.fileno(), line.encode("utf-8"))  # one call: no other comes between

    def _read_report(self, key: str) -> Dict[str, Any]:
        """Return what the first worker has reported that has that: another may have failed."""
        self._report.seek(0)
        reports = (json.loads(line.decode("utf-8")) for line in self._report)
        return next((report for report in reports if key in report), {})

    def _say(self, what: bytes) -> None:
        with suppress(BrokenPipeError):
            os.write(self._mouth, what)


def fork_server(
    settings: Settings,
    imported: Optional[Imported] = None,
    *,
    replaces: bool,
    in_fork: Callable[[], None],
) -> Tuple[Server, Optional[Server]]:
    """Return a new server; in its own process return it a second time, once it is begun.

    `in_fork` is called there first. With `imported` it imports that and waits for begin().
    """
    server = Server(settings, replaces=replaces)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        server.was_forked(pid)
        return server, None
    in_fork()
    server.is_forked()
    if imported:
        server.import_ahead(imported)
    return server, server


def exit_status(state: int) -> int:
    """Return the status that a shell would show, of what os.waitpid() returns."""
    return 128 + os.WTERMSIG(state) if os.WIFSIGNALED(state) else os.WEXITSTATUS(state)
