"""The gunicorn worker that serves: an event loop beside a run() that has the main thread.

The main thread turns the event loop and answers what has arrived, one request after another: no
request changes threads, and a limit on the time of run() is a signal. While a run() takes long, a
second thread turns the loop in its place: connections are accepted and read, slow clients get
their answers, health is told. It gives the loop back when run() ends.
"""

import logging
import os
import signal
import time
from functools import partial
from typing import Any, List, Optional

from gunicorn.workers.base import Worker

from scoredock_server import log
from scoredock_server.answer import Answer
from scoredock_server.app import front_of
from scoredock_server.at_once import AtOnce
from scoredock_server.balance import Shares
from scoredock_server.connection import Connection
from scoredock_server.event_loop import EventLoop, drain_pipe
from scoredock_server.fast_path import ForFlask
from scoredock_server.framing import Settings, give_body
from scoredock_server.inputs import TRUNCATED
from scoredock_server.second_thread import SecondThread
from scoredock_server.together import Together
from scoredock_server.worker_parts import fast_path, limits, overdue_after
from scoredock_server.wsgi_answer import GoneError, answer_by_wsgi

# The main thread looks at its connections again after so long, though requests wait.
_LOOK_AGAIN = 0.005
# What may wait for a client that reads slowly, in bytes, before the script that streams waits too.
_MOST_UNSENT = 8 << 20

# Seconds that a run() may take to end for WORKER_TIMEOUT, before the master kills the process.
_LAST_MERCY = 0.4

# Made in the master, which loads this module, and shared by the workers that it forks.
_SHARES = Shares()


class ScoringWorker(Worker):  # type: ignore[misc] # gunicorn has no types
    """Answers requests in the main thread; see the module."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # With a socket for each worker, what one leaves no other sees.
        self._share = None if self.cfg.reuse_port else _SHARES.claim()
        self._hurry = False

    def init_process(self) -> None:
        """Set the process up, load the application and serve."""
        if self._share:
            self._share.close()  # until it can take a connection
        super().init_process()

    def run(self) -> None:
        """Serve until a signal, the end of the master or max_requests ends it."""
        self._fast = fast_path(self)
        front = front_of(self.wsgi)
        self._observation = front.observation if front else None
        self._waiting = 0  # as it was told last
        self._notified = 0.0
        self._beat = min(1.0, (self.timeout or 2.0) / 4)
        answers = AtOnce(self, self._fast)
        self._loop = EventLoop(Settings(self.cfg), self.sockets, limits(self), self._share, answers)
        answers.loop = self._loop
        self._turn_away_all = answers.turn_away_all
        self._loop.watch_pipe(self.PIPE[0], self._on_signal)
        self._second = SecondThread(self._loop, self._turn, self._overdue, self._lost)
        self._answered: List[Connection] = []  # while run() has their requests
        self._overdue_after = overdue_after(self)
        self._second.start()
        together = Together(self._fast, self._loop, self._turn)
        try:
            while True:
                connection = self._next()
                if connection is None:
                    break
                if not together.takes(connection):
                    self._answer(connection)
                elif together.gather(connection):
                    self._answer_together(together)
        finally:
            self._loop.close()

    # --- signals

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End now: SIGINT and SIGQUIT."""
        self._hurry = True
        super().handle_quit(sig, frame)

    def handle_abort(self, sig: int, frame: Any) -> None:
        """End now: the master has not heard of us for WORKER_TIMEOUT."""
        self._hurry = True
        super().handle_abort(sig, frame)

    def _on_signal(self) -> None:
        # A run() may keep the main thread from calling its handlers for a while, or for ever.
        came = drain_pipe(self.PIPE[0])
        if bytes([signal.SIGTERM]) in came:
            self.alive = False
        if bytes([signal.SIGABRT]) in came and self._loop.guest:
            self._second.lose(_LAST_MERCY)

    # --- the main thread

    def _next(self) -> Optional[Connection]:
        """Return the next request to answer, or None at the end."""
        loop = self._loop
        if loop.ready and time.monotonic() - loop.now > _LOOK_AGAIN:
            self._turn(0)
        while not loop.ready:
            if loop.ending and loop.is_over(1 if self._hurry else self.cfg.graceful_timeout):
                return None
            self._turn(0.05 if loop.ending else self._beat)
        self._tell_master()
        if self._hurry:
            self._turn_away_all()
            return None
        return loop.ready.popleft()

    def _turn(self, timeout: float) -> None:
        self._tell_master()
        self._tell_waiting()
        if not self.alive:
            self._loop.end()
        self._loop.turn(timeout)

    def _tell_waiting(self) -> None:
        """Say how many requests wait, where that has changed: it is no news to most of them."""
        waiting = len(self._loop.ready)
        if waiting != self._waiting and self._observation is not None:
            self._waiting = waiting
            self._observation.waiting(waiting)

    def _tell_master(self) -> None:
        """Say that we live, before each request, but not during one: WORKER_TIMEOUT is its time."""
        now = self._loop.now
        if now - self._notified > self._beat and not self._loop.guest:
            self._notified = now
            self.notify()
            if self.ppid != os.getppid():
                self.log.info("Parent changed, shutting down: %s", self)
                self.alive = False

    def _answer(self, connection: Connection) -> None:
        done, connection.begun = connection.begun, None
        if connection.gone and done is None:
            return  # while it waited
        self._count(1)
        request, body = connection.request, connection.body
        self._tell_waiting()
        self._answered = [connection]
        self._second.begin(self._overdue_after)
        try:
            if self._fast and not isinstance(done, ForFlask) and connection.whole():
                begun = done or self._fast.begin(request, body, connection.address)
                done = begun and self._fast.score(begun, lambda: self.alive)
            if isinstance(done, Answer):
                keep, data = done.keep, done.data
            else:
                more = done.environ if done else {TRUNCATED: connection.truncated}
                give_body(request, body)
                stream = partial(self._stream, connection)
                keep, data = answer_by_wsgi(self, connection, request, more, stream)
        finally:
            self._second.end()
        if not self._answered:
            return  # it was overdue
        connection.send(data)
        connection.finish(keep=keep)
        if isinstance(done, Answer):
            done.tell()

    def _answer_together(self, together: Together) -> None:
        self._tell_waiting()
        self._answered = together.several
        self._second.begin(self._overdue_after)
        try:
            answers = together.score(lambda: self.alive, self._second.renew)
        finally:
            self._second.end()
        if self._answered:  # else they were overdue
            self._count(together.give(answers))

    def _count(self, answered: int) -> None:
        self.nr += answered
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False

    def _overdue(self) -> None:
        """Answer for a run() that its time limit has not ended, and for what waits behind it.

        In the second thread, as what follows.
        """
        self._answer_late(lost=False)
        self._loop.get_stuck()
        self._turn_away_all()

    def _lost(self) -> None:
        """End for a run() that WORKER_TIMEOUT has not ended, before the master kills the process.

        Nobody who waits is left without an answer.
        """
        self.alive = False
        self._answer_late(lost=True)
        self._turn_away_all()
        log.server.error("run() does not end: another worker takes the place of this one")
        logging.shutdown()
        os._exit(1)

    def _answer_late(self, *, lost: bool) -> None:
        if self._fast is None:
            return
        connections, self._answered = self._answered, []
        for connection in connections:
            begun, connection.begun = connection.begun, None
            answer = self._fast.overdue(connection.request, connection.address, begun, lost=lost)
            connection.send(answer.data)
            connection.finish(keep=False)
            answer.tell()

    def _stream(self, connection: Connection, data: bytes) -> None:
        """Send a piece of an answer while the rest is made. Raises GoneError."""
        drained = None
        with self._second:
            if connection not in self._answered:
                raise GoneError()
            self._second.is_answered()
            connection.send(data)
            if len(connection.output) > _MOST_UNSENT:
                drained = connection.drained()
        if drained is not None:
            drained.wait()  # the loop drops a client that reads nothing
        if connection.gone:
            raise GoneError()
