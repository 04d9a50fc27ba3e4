"""The gunicorn worker that serves: an event loop beside a run() that has the main thread.

The main thread turns the event loop and answers what has arrived, one request after another: no
request changes threads, and a limit on the time of run() is a signal. While a run() takes long, a
second thread turns the loop in its place: connections are accepted and read, slow clients get
their answers, health is told. It gives the loop back when run() ends.
"""

import os
import signal
import threading
import time
from datetime import datetime
from functools import partial
from typing import Any, Dict, List, Optional

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.base import Worker

from scoredock_server import log
from scoredock_server.answer import Answer
from scoredock_server.balance import Shares
from scoredock_server.connection import Connection, Output
from scoredock_server.event_loop import EventLoop, Limits, drain_pipe
from scoredock_server.framing import ends_where_expected, give_body

# After so long the second thread sees to the connections.
_TICK = 0.01
# It sleeps when nothing was to be answered for so many ticks.
_TICKS_AWAKE = 100
# The main thread looks at its connections again after so long, though requests wait.
_LOOK_AGAIN = 0.005
# What may wait for a client that reads slowly, in bytes, before the script that streams waits too.
_MOST_UNSENT = 1 << 20

# Made in the master, which loads this module, and shared by the workers that it forks.
_SHARES = Shares()


class GoneError(OSError):
    """The client is gone; raised in what writes an answer to it."""


class ScoringWorker(Worker):  # type: ignore[misc] # gunicorn has no types
    """Answers requests in the main thread; see the module."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._share = _SHARES.claim()
        self._hurry = False
        self._serial = 0
        self._works = False
        self._wanted = False
        self._asleep = False

    def init_process(self) -> None:
        """Set the process up, load the application and serve."""
        if self._share:
            self._share.close()  # until it can take a connection
        super().init_process()

    def run(self) -> None:
        """Serve until a signal, the end of the master or max_requests ends it."""
        self._fast = fast_path(self)
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._notified = 0.0
        self._beat = min(1.0, (self.timeout or 2.0) / 4)
        self._loop = EventLoop(
            self.cfg,
            self.sockets,
            limits(self),
            self._share,
            begins=self._begins,
            has_arrived=self._has_arrived,
            refuse=self._refuse,
            expired=self._expired,
        )
        self._loop.watch_pipe(self.PIPE[0], self._on_signal)
        self._wakes, self._wake = os.pipe()
        for descriptor in (self._wakes, self._wake):
            util.set_non_blocking(descriptor)
            util.close_on_exec(descriptor)
        self._loop.watch_pipe(self._wakes, lambda: drain_pipe(self._wakes))
        self._start_second_thread()
        self._lock.acquire()
        try:
            while True:
                connection = self._next()
                if connection is None:
                    break
                self._answer(connection)
        finally:
            if self._lock.locked():
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
        # A run() may keep the main thread from calling its handler for a while.
        if bytes([signal.SIGTERM]) in drain_pipe(self.PIPE[0]):
            self.alive = False

    # --- the main thread

    def _next(self) -> Optional[Connection]:
        """Return the next request to answer, or None at the end."""
        loop = self._loop
        if not loop.ready or time.monotonic() - loop.now > _LOOK_AGAIN:
            self._turn(0)
        while not loop.ready:
            if loop.ending and loop.is_over(1 if self._hurry else self.cfg.graceful_timeout):
                return None
            self._turn(0.05 if loop.ending else self._beat)
        self._tell_master()
        return None if self._hurry else loop.ready.popleft()

    def _turn(self, timeout: float) -> None:
        self._tell_master()
        if not self.alive:
            self._loop.end()
        self._loop.turn(timeout)

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
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        self._serial += 1
        self._works = True
        if self._asleep:
            self._awake.set()
        self._lock.release()
        done = None
        try:
            if self._fast is not None and connection.whole():
                request = connection.request
                done = self._fast.score(
                    request, connection.body, connection.address, lambda: self.alive
                )
            if isinstance(done, Answer):
                keep, data = done.keep, done.data
            else:
                keep, data = self._through_wsgi(connection, done.environ if done else {})
        finally:
            self._take_loop()
            self._works = False
        connection.send(data)
        connection.finish(keep=keep)
        if isinstance(done, Answer):
            done.log()

    def _through_wsgi(self, connection: Connection, more: Dict[str, Any]) -> Any:
        """Let the application answer; return whether the connection lives on, and what to send."""
        request = connection.request
        give_body(request, connection.body)
        output = Output(partial(self._stream, connection))
        response: Any = None
        environ: Dict[str, Any] = {}
        began = datetime.now()
        try:
            self.cfg.pre_request(self, request)
            response, environ = wsgi.create(
                request, output, connection.address, connection.server, self.cfg
            )
            environ.update(more)
            if connection.broken():
                response.force_close()
            self._write(response, environ, output)
            self.log.access(response, request, environ, datetime.now() - began)
        except GoneError:
            self.log.debug("A client has not waited for its answer")
            return False, b""
        except Exception as error:
            if output.flushed:
                self.log.exception("Error handling request")
                return False, b""
            output.take()
            self.handle_error(request, output, connection.address, error)
            return False, output.take()
        finally:
            try:
                self.cfg.post_request(self, request, environ, response)
            except Exception:
                self.log.exception("Exception in post_request hook")
        return not response.should_close() and ends_where_expected(request), output.take()

    def _write(self, response: Any, environ: Dict[str, Any], output: Output) -> None:
        parts = self.wsgi(environ, response.start_response)
        if not self.alive:
            response.force_close()
        try:
            if isinstance(parts, environ["wsgi.file_wrapper"]):
                response.write_file(parts)
            else:
                for part in parts:
                    response.write(part)
                    if response.response_length is None or response.sent < response.response_length:
                        output.flush()
            response.close()
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _stream(self, connection: Connection, data: bytes) -> None:
        """Send a piece of an answer while the rest is made. Raises GoneError."""
        drained = None
        self._take_loop()
        try:
            connection.send(data)
            if len(connection.output) > _MOST_UNSENT:
                drained = connection.drained()
        finally:
            self._lock.release()
        if drained is not None:
            drained.wait()  # the loop drops a client that reads nothing
        if connection.gone:
            raise GoneError()

    # --- the event loop's questions; in either thread

    def _begins(self, connection: Connection, length: Optional[int]) -> None:
        """A head has come."""
        if self._fast is None or length or connection.busy:
            return
        answer = self._fast.health(connection.request, keep=self.alive)
        if answer is not None:
            connection.send(answer.data)
            connection.finish(keep=answer.keep)

    def _has_arrived(self, connection: Connection) -> None:
        self._loop.ready.append(connection)

    def _refuse(self, connection: Connection, error: Exception) -> None:
        output = Output(connection.send)
        self.handle_error(None, output, connection.address, error)
        connection.send(output.take())
        connection.close()

    def _expired(self, connection: Connection) -> None:
        output = Output(connection.send)
        util.write_error(output, 408, "Request Timeout", "The request did not arrive in time.")
        connection.send(output.take())
        connection.close()

    # --- the second thread

    def _start_second_thread(self) -> None:
        # Each signal is the main thread's.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, list(_all_signals()))
        threading.Thread(target=self._stand_by, name="connections", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _take_loop(self) -> None:
        """Take the loop back from the second thread, if it has it."""
        if self._lock.acquire(False):
            return
        self._wanted = True
        os.write(self._wake, b"1")
        self._lock.acquire()
        self._wanted = False

    def _stand_by(self) -> None:
        seen = -1
        quiet = 0
        while True:
            time.sleep(_TICK)
            quiet = quiet + 1 if self._serial == seen else 0
            if quiet and self._works:
                self._stand_in(seen)
                quiet = 0
            elif quiet > _TICKS_AWAKE:
                self._asleep = True
                if self._serial == seen:
                    self._awake.wait()
                self._asleep = False
                self._awake.clear()
            seen = self._serial

    def _stand_in(self, serial: int) -> None:
        """Turn the loop while the main thread runs that one request."""
        with self._lock:
            if not self._works or self._serial != serial:
                return
            self._loop.host(True)
            while not self._wanted:
                try:
                    self._turn(1)
                except Exception:
                    log.server.exception("this is a fault of the server")
            self._loop.host(False)


def _all_signals() -> List[int]:
    known = getattr(signal, "valid_signals", None)
    return list(known()) if known else list(range(1, signal.NSIG))


def limits(worker: Any) -> Limits:
    """Return how long and how much of a client is waited for."""
    config = worker.cfg
    line = config.limit_request_line or 1 << 20
    fields = config.limit_request_fields * (config.limit_request_field_size or 8190) + 4
    return Limits(
        request_line=line, head=min(line + fields, 1 << 20), idle_seconds=config.keepalive
    )


def fast_path(worker: Any) -> Any:
    """Return what answers without WSGI, or None where the application is not ours."""
    from scoredock_server.app import FAST_PATH
    from scoredock_server.fast_path import FastPath

    found = getattr(worker.wsgi, "extensions", {}).get(FAST_PATH)
    settings = worker.cfg.settings
    hooks = ("pre_request", "post_request")
    if not found or any(settings[name].get() is not settings[name].default for name in hooks):
        return None
    service, scorer = found
    return FastPath(service, scorer, worker.log)
