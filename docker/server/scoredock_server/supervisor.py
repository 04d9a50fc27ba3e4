"""Serve, and load the script anew when that is asked for: by a server beside the old one.

Each server is a fork of this process, which has loaded nothing of the script's, and listens to the
same sockets. Once all workers of the new one are ready, the old one is told to end what it has
begun. One that cannot be loaded ends, and the old one goes on. It is asked for by SIGHUP, by a
connection to SCOREDOCK_RELOAD_SOCKET, which is told how it went, and where a file changes.
"""

import os
import select
import signal
import sys
from typing import Any, Callable, Iterable, List, Optional, Set, Tuple

from scoredock_server import last_reload, log, metrics
from scoredock_server.changes import Changes
from scoredock_server.fork import Server, exit_status, fork_server
from scoredock_server.libraries import Imported, memory_is_short
from scoredock_server.reload import LOADED, Askers
from scoredock_server.settings import Settings
from scoredock_server.signal_queue import SignalQueue
from scoredock_server.takeover import let_signals_come

_EVERY = 0.15
_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# For the arbiter of what serves: open the logs anew, one worker more or less.
_PASSED_ON = (signal.SIGUSR1, signal.SIGTTIN, signal.SIGTTOU)


def serve_and_reload(
    settings: Settings, run: Callable[[Server], None], workers: Iterable[int] = ()
) -> None:
    """Serve until a signal ends it. Raises SystemExit with the server's status.

    `run` is called in a process of its own for each server. Until one serves, `workers` do.
    """
    # What each server would import again; no user's module is among it.
    from scoredock_server import app  # noqa: F401

    # A compiled file is known by its source's second and size: an edit may keep both.
    sys.dont_write_bytecode = True
    log.configure(settings)
    supervisor = _Supervisor(settings, workers)
    server = supervisor.supervise()
    if server is not None:  # this is the fork
        run(server)
    sys.exit(supervisor.status)


class _Supervisor:
    def __init__(self, settings: Settings, workers: Iterable[int]) -> None:
        self.status = 0
        self._workers = set(workers)
        self._settings = settings
        self._changes = Changes(settings) if settings.watch else None
        self._serving: Optional[Server] = None
        self._starting: Optional[Server] = None
        self._next: Optional[Server] = None  # imports ahead, and waits until it is begun
        self._ending: Set[int] = set()
        self._replaced: Optional[Server] = None  # answers its last requests
        self._signals = SignalQueue((*_ENDS, *_PASSED_ON, signal.SIGHUP))
        self._askers = Askers(settings.reload_socket)
        self._is_wanted = True
        self._is_over = False

    def supervise(self) -> Optional[Server]:
        """Return at the end; in the process of each server, return that."""
        self._signals.catch()
        let_signals_come()
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # gunicorn's own way to start another beside
        if self._changes:
            self._changes.announce()
        while not self._is_over or self._pids():
            begun = self._begin()
            if begun:
                return begun
            self._wait()
            self._obey()
            self._reap()
            self._look()
        self._askers.tell("")
        return None

    def _fork(self, imported: Optional[Imported] = None) -> Tuple[Server, Optional[Server]]:
        replaces = bool(imported or self._serving or self._workers)
        return fork_server(
            self._settings, imported, replaces=replaces, in_fork=self._be_no_supervisor
        )

    def _be_no_supervisor(self) -> None:
        self._signals.leave()
        self._askers.leave()
        # Before any library is imported that measures itself.
        metrics.find_client(self._settings)

    def _begin(self) -> Optional[Server]:
        """Start what is wanted, and return it in its own process."""
        if self._is_over:
            return None
        if self._is_wanted:
            return self._start()
        serving = self._serving
        if self._starting or self._next or not (serving and serving.imported):
            return None
        imported, serving.imported = serving.imported, None
        # SIGHUP alone is rarely sent: memory counts for more than how long it takes.
        if memory_is_short() or not (self._changes or self._askers.listener):
            return None
        self._next, begun = self._fork(imported)
        return begun

    def _start(self) -> Optional[Server]:
        """Start a server in place of one that is still starting; return it in its own process."""
        self._is_wanted = False
        if self._starting:
            self._end(self._starting, signal.SIGQUIT)
        ahead, self._next = self._next, None
        if ahead and ahead.begin():
            self._starting = ahead
            return None
        if ahead:
            self._end(ahead, signal.SIGKILL)
        self._starting, begun = self._fork()
        return begun

    def _end(self, server: Server, number: int) -> None:
        """Tell a server to end, of which nothing more is expected."""
        server.send(number)
        server.close()
        self._ending.add(server.pid)

    def _wait(self) -> None:
        """Sleep until something happens, or it is time to look at the files."""
        heard: List[Any] = [self._signals.wake]
        if self._askers.listener:
            heard.append(self._askers.listener)
        servers = [self._starting, self._serving, self._replaced]
        heard += [each.pipe for each in servers if each]
        ready = select.select(heard, [], [], _EVERY if self._changes else None)[0]
        self._signals.rest()
        if self._askers.listener in ready:
            self._askers.accept()
            self._is_wanted = True
        for each in servers:
            # What one says may be the end of another.
            heard_still = each in (self._starting, self._serving, self._replaced)
            if each and heard_still and each.pipe in ready:
                self._hear(each)

    def _hear(self, server: Server) -> None:
        said = server.hear()
        if server is self._starting and server.is_ready:
            self._switch(server)
        elif server is self._starting and server.NOT_FIT in said:
            self._end(server, signal.SIGQUIT)
            self._start_again()
        elif server is self._replaced and (server.is_done or not said):
            self._replaced.close()
            self._replaced = None
            self._answer(LOADED)

    def _start_again(self, *, for_each: bool = False) -> None:
        if for_each:  # and so do the servers to come
            os.environ["SCOREDOCK_WORKER_PRELOAD"] = "false"
        else:
            log.server.info("It is loaded in a process that has imported nothing yet")
        self._starting = None
        self._is_wanted = True

    def _switch(self, ready: Server) -> None:
        before, self._serving, self._starting = self._serving, ready, None
        if self._replaced:  # a third one: not even its last requests are waited for
            self._replaced.close()
        self._replaced = before
        last_reload.tell_loaded()
        if ready.replaces:
            seconds = ready.ready_since - ready.began
            log.server.info("Loaded in %.1f s: it serves from now on", seconds)
        replaced = self._workers | ({before.pid} if before else set())
        for pid in replaced:
            os.kill(pid, signal.SIGTERM)
        self._ending |= replaced
        self._workers.clear()
        if not before:
            self._answer(LOADED)

    def _answer(self, answer: str) -> None:
        """Answer those who have asked, unless what the last of them has asked for is to come."""
        if not (self._is_wanted or self._starting):
            self._askers.tell(answer)

    def _obey(self) -> None:
        for number in self._signals.take():
            if number == signal.SIGHUP:
                log.server.info("Loading the script anew")
                self._is_wanted = True
            elif number in _PASSED_ON:
                if self._serving:
                    self._serving.send(number)
            else:
                self._be_over()
                for pid in self._pids():
                    os.kill(pid, number)

    def _look(self) -> None:
        changed = self._changes.names() if self._changes and not self._is_over else []
        if changed:
            log.server.info("%s changed: loading the script anew", ", ".join(changed[:5]))
            self._is_wanted = True

    def _pids(self) -> Set[int]:
        servers = (self._serving, self._starting, self._next)
        return self._ending | self._workers | {each.pid for each in servers if each}

    def _reap(self) -> None:
        for pid in self._pids():
            ended, state = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ended(pid, exit_status(state))

    def _ended(self, pid: int, status: int) -> None:
        self._ending.discard(pid)
        if pid in self._workers:  # nobody starts another one in its place
            self._workers.remove(pid)
            self._is_wanted = self._is_wanted or not (self._starting or self._is_over)
        if self._next and self._next.pid == pid:
            self._next.close()
            self._next = None
        elif self._starting and self._starting.pid == pid:
            said = self._starting.last_words()
            self._starting.close()
            self._starting = None
            if status in (Server.IS_NOT_FIT, Server.IS_FOR_EACH) and not self._is_over:
                self._start_again(for_each=status == Server.IS_FOR_EACH)
            elif (self._serving or self._workers) and not self._is_over:
                reason = "the server ended with exit code {}".format(status)
                last_reload.tell_failed(reason)
                self._answer("\n".join([*said, reason]))
        elif self._serving and self._serving.pid == pid:
            self._serving.close()
            self._serving = None
        else:
            return
        serves = self._serving or self._workers or self._starting
        if not (serves or self._is_wanted or self._is_over):
            self.status = status
            self._be_over()

    def _be_over(self) -> None:
        self._is_over = True
        self._askers.refuse()  # nobody waits for a server that ends
        if self._next:
            self._end(self._next, signal.SIGKILL)
            self._next = None
