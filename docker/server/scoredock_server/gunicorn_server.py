"""Run the application under gunicorn."""

import os
import sys
from contextlib import suppress
from typing import Any, Dict, NoReturn, Optional

from gunicorn.app.base import Application, BaseApplication
from gunicorn.errors import HaltServer
from gunicorn.pidfile import Pidfile
from gunicorn.util import daemonize

from scoredock_server import (
    debugger,
    exposure,
    last_reload,
    log,
    metric_files,
    metrics,
    tracing,
)
from scoredock_server.access import Access
from scoredock_server.arbiter import ScoringArbiter
from scoredock_server.cores import share_cores
from scoredock_server.fork import Server
from scoredock_server.handover import ListenError
from scoredock_server.listening import addresses, remove_at_the_end, sockets
from scoredock_server.older_gunicorns import catch_up
from scoredock_server.preload import Loader, is_tried
from scoredock_server.service import read_all_settings
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings
from scoredock_server.takeover import TakenOver, take_over
from scoredock_server.tls import tls_settings
from scoredock_server.worker_choice import OURS, choose_worker


class _Configured(Application):  # type: ignore[misc] # gunicorn has no types
    """A gunicorn that takes its defaults from our settings.

    GUNICORN_CMD_ARGS and a gunicorn.conf.py in the working directory win over them. `own` wins over
    all.
    """

    def __init__(self, settings: Settings, defaults: Dict[str, Any], own: Dict[str, Any]) -> None:
        self._settings = settings
        self._defaults = defaults
        self._own = own
        del sys.argv[1:]  # they were ours; gunicorn would read them as its own
        super().__init__()

    def init(self, *_arguments: Any) -> Dict[str, Any]:
        """Return gunicorn's settings."""
        wanted = dict(gunicorn_settings(self._settings), **self._defaults)
        known = self.cfg.settings
        return {name: value for name, value in wanted.items() if name in known}

    def load_config(self) -> None:
        """Read gunicorn's settings from everywhere."""
        super().load_config()
        for name, value in self._own.items():
            self.cfg.set(name, value)


class _ByOurArbiter(BaseApplication):  # type: ignore[misc]
    """What gunicorn's Application ends its run() with."""

    def run(self) -> None:
        """Serve."""
        ScoringArbiter(self, self.server, self.environ).run()


class ScoringServer(_Configured, _ByOurArbiter):
    """A server: one of a supervisor's, which knows it by `server`, or one that is alone.

    `environ` is what the process was started with.
    """

    def __init__(
        self,
        settings: Settings,
        own: Dict[str, Any],
        environ: Dict[str, str],
        server: Optional[Server] = None,
    ) -> None:
        self.server = server
        self.environ = environ
        self._loader = Loader(settings, self._let_each_load)
        # Once: a reload with a certificate that is half written must not end the server.
        defaults = dict(
            tls_settings(settings), bind=addresses(settings), post_worker_init=self._on_ready
        )
        if server:
            defaults["worker_exit"] = lambda _arbiter, _worker: server.tell_done()
        super().__init__(settings, defaults, own)
        cores = share_cores(os.environ, self.cfg.workers)
        before = self.cfg.on_starting

        def on_starting(arbiter: Any) -> None:
            before(arbiter)
            self._say_at_start(arbiter, cores)

        self.cfg.set("on_starting", on_starting)

    def load_config(self) -> None:
        """Read gunicorn's settings from everywhere, and see that our worker can serve with them."""
        super().load_config()
        self._worker_note = choose_worker(self.cfg)

    def _say_at_start(self, arbiter: Any, cores: str) -> None:
        if cores:
            arbiter.log.info(cores)
        warning = exposure.warning(self._settings)
        if warning and not (self.server and self.server.replaces):
            arbiter.log.warning(warning)
        if self._settings.metrics and not metric_files.folder():
            arbiter.log.info("/metrics is 404: the package prometheus-client is not installed")

    def load(self) -> Any:
        """Return the WSGI application; runs in each worker, or once in the master."""
        from scoredock_server.app import create_app

        metrics.find_client(self._settings)  # before the script, whose metrics are among ours
        server = self.server
        if server:
            app = _load_and_tell(server, self._loader, workers=self.cfg.workers)
        else:
            app = self._loader.load(create_app)
        if self._worker_note:
            log.server.warning(self._worker_note)
        return app

    def _on_ready(self, _worker: Any) -> None:
        if metric_files.folder():
            metric_files.count_start()
        if self.server:
            self.server.tell_ready()
            if self.server.replaces:
                # The server before has the debugger's port until it is told to end.
                debugger.listen(self._settings)

    def _let_each_load(self) -> NoReturn:
        """End, or become a server that has loaded nothing; it accepts nothing yet, either."""
        sys.stdout.flush()
        sys.stderr.flush()
        if self.server:
            os._exit(Server.IS_FOR_EACH)
        environ = dict(self.environ, SCOREDOCK_WORKER_PRELOAD="false")
        program = [sys.executable, "-m", "scoredock_server"]
        os.execve(program[0], program, environ)  # noqa: S606


def _load_and_tell(server: Server, loader: Loader, *, workers: int) -> Any:
    """Return the application, and tell the supervisor how loading it has gone."""
    from scoredock_server.app import create_app

    with suppress(SettingError):  # which is told when the application reads them
        # What these set has nothing to do with the script.
        tracing.set_variables(read_all_settings(os.environ))
    loading = server.load_with()
    with log.kept_lines() as lines:
        try:
            app = loader.load(lambda: create_app(debugged=not server.replaces))
        except SystemExit:
            server.tell_failed(lines)
            raise
    server.tell(loading, workers=workers)
    return app


def gunicorn_settings(settings: Settings) -> Dict[str, Any]:
    """Return gunicorn's settings by name; not every gunicorn has all of them."""
    return {
        "worker_class": OURS,
        "keepalive": 75,
        "workers": settings.worker_count,
        "threads": settings.threads,
        "timeout": settings.worker_timeout,
        "preload_app": settings.worker_preload or is_tried(settings),
        # Below compose.yaml's stop_grace_period, so that requests in flight end before the kill.
        "graceful_timeout": 24 * 3600 if settings.debug_bind else 25,
        # An object a line for each request is ours alone.
        "accesslog": None if settings.log_format == "json" else "-",
        "errorlog": "-",
        "logger_class": "scoredock_server.log.GunicornLogger",
        # Nothing here is steered through a socket, and the root file system may be read-only.
        "control_socket_disable": True,
    }


def serve(settings: Settings) -> None:
    """Serve until a signal ends it. Raises SystemExit with the server's status."""
    environ = dict(os.environ)
    catch_up()
    try:
        taken = take_over(os.environ)
        Access(settings)  # a file without a usable key ends the server before it listens
        tls_settings(settings)
        log.choose(settings)
        metrics.prepare(settings)
        last_reload.prepare()
        if taken or settings.watch or settings.reload_socket:
            _serve_supervised(settings, taken, environ)
        else:
            own = {"bind": sockets(settings, addresses(settings))} if settings.port_from else {}
            ScoringServer(settings, own, environ).run()
    except (ListenError, SettingError) as error:
        sys.stderr.write("scoredock-server: error: {}\n".format(error))
        sys.exit(getattr(error, "status", 1))
    except HaltServer as halted:
        # gunicorn lets this out where a second worker fails while it stops for the first.
        sys.exit(halted.exit_status)


def _serve_supervised(
    settings: Settings, taken: Optional[TakenOver], environ: Dict[str, str]
) -> None:
    from scoredock_server.supervisor import serve_and_reload

    config = _Configured(settings, {"bind": addresses(settings)}, {}).cfg
    if config.daemon and not taken:
        daemonize(config.enable_stdio_inheritance)
    bind = config.bind
    if taken and taken.sockets:
        bind = ["fd://{}".format(descriptor) for descriptor in taken.sockets]
    elif not config.reuse_port:  # with it each worker has a socket of its own
        bind = sockets(settings, bind, config.backlog, config.umask)
    # The supervisor's own affair.
    own = {"bind": bind, "daemon": False, "pidfile": None}
    remove_at_the_end([each for each in config.bind if each.startswith("unix:")])
    if config.pidfile:
        if not taken:
            Pidfile(config.pidfile).create(os.getpid())
        remove_at_the_end([config.pidfile])
    # The configuration file may have changed with the script.
    serve_and_reload(
        settings,
        lambda server: ScoringServer(
            read_all_settings(dict(os.environ)), own, environ, server
        ).run(),
        taken.workers if taken else (),
    )
