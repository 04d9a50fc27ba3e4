"""What an arbiter leaves to the supervisor that its process becomes: sockets, workers and files.

The process that has loaded the script must not be the one that the next server is forked from, so
it begins anew, by exec: its children and what it says may be inherited stay.
"""

import json
import os
import signal
import sys
from typing import Any, Dict, List, MutableMapping, NamedTuple, NoReturn, Optional

from scoredock_server import last_reload, log, metric_files

_VARIABLE = "SCOREDOCK_TAKEOVER"
_LATER = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class TakenOver(NamedTuple):
    """The descriptors of listening sockets, and the processes that accept from them."""

    sockets: List[int]
    workers: List[int]
    last_reload: int
    metrics_lock: Optional[int]
    metrics_folder: str


def become_supervisor(environ: Dict[str, str], sockets: List[Any], workers: List[int]) -> NoReturn:
    """Leave all that to the supervisor; `environ` is what the server was started with."""
    left = TakenOver(
        [each.fileno() for each in sockets],
        workers,
        last_reload.prepare(),
        metric_files.lock(),
        metric_files.folder(),
    )
    for descriptor in [*left.sockets, left.last_reload, left.metrics_lock]:
        if descriptor is not None:
            os.set_inheritable(descriptor, True)
    log.server.info("Loading the script anew")
    sys.stdout.flush()
    sys.stderr.flush()
    # Until it listens to signals: to be reloaded is what it is about, and to end can wait.
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, _LATER)
    program = [sys.executable, "-m", "scoredock_server"]
    os.execve(program[0], program, dict(environ, **{_VARIABLE: json.dumps(left)}))  # noqa: S606


def take_over(environ: MutableMapping[str, str]) -> Optional[TakenOver]:
    """Return what an arbiter has left to this process, if this was one."""
    text = environ.pop(_VARIABLE, "")
    if not text:
        return None
    left = TakenOver(*json.loads(text))
    for descriptor in [*left.sockets, left.metrics_lock]:
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    last_reload.prepare(left.last_reload)
    if left.metrics_lock is not None:
        metric_files.take_over(left.metrics_folder, left.metrics_lock)
    return left


def let_signals_come() -> None:
    """Get the signals that had to wait."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _LATER)
