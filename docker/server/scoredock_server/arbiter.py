"""Gunicorn's arbiter: the master of the workers of one server, which it leaves to a supervisor.

A service begins with an arbiter alone. When it gets a SIGHUP it becomes a supervisor: the same
process, which has its workers and sockets still, and starts another server beside them.
"""

import os
import signal
from typing import Any, Dict, Optional

from gunicorn.arbiter import Arbiter

from scoredock_server import takeover
from scoredock_server.fork import Server


class ScoringArbiter(Arbiter):  # type: ignore[misc] # gunicorn has no types
    """With `server` it is one of a supervisor's, without it is alone."""

    def __init__(self, app: Any, server: Optional[Server], environ: Dict[str, str]) -> None:
        self._server = server
        self._environ = environ
        self._is_orphan = False
        super().__init__(app)

    def handle_hup(self) -> None:
        """Load the script anew, by a server beside this one."""
        if self._server:
            os.kill(self._server.supervisor, signal.SIGHUP)
        else:
            sockets = [listener.sock for listener in self.LISTENERS]
            takeover.become_supervisor(self._environ, sockets, list(self.WORKERS))

    def murder_workers(self) -> None:
        """See to the workers, each second, and end with the supervisor."""
        if self._server and os.getppid() != self._server.supervisor and not self._is_orphan:
            self._is_orphan = True
            self.log.info("The supervisor has gone")
            os.kill(os.getpid(), signal.SIGTERM)
        super().murder_workers()

    def stop(self, graceful: bool = True) -> None:
        """End the workers. The path of a Unix socket is the supervisor's: others listen to it."""
        if self._server:
            self.systemd = True  # as gunicorn has it for sockets that are not its own
        super().stop(graceful)
