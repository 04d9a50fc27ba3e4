"""Run the application under gunicorn."""

import os
import sys
from contextlib import suppress
from typing import Any, Dict, List, Optional

from gunicorn.app.base import Application
from gunicorn.errors import HaltServer

from scoredock_server import debugger, exposure, log, metric_files, metrics, tracing
from scoredock_server.access import Access
from scoredock_server.cores import share_cores
from scoredock_server.fork import Server
from scoredock_server.handover import ListenError, listen, receive
from scoredock_server.older_gunicorns import catch_up
from scoredock_server.preload import Loader, is_tried
from scoredock_server.service import read_all_settings
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings
from scoredock_server.tls import tls_settings
from scoredock_server.worker_choice import OURS, choose_worker


class ScoringServer(Application):  # type: ignore[misc] # gunicorn has no types
    """A gunicorn that takes its defaults from our settings.

    GUNICORN_CMD_ARGS and a gunicorn.conf.py in the working directory win over them. `bind` are the
    addresses, found once: a reload asks for the settings again, and must find the same sockets.
    `server` is what a supervisor knows it by.
    """

    def __init__(
        self,
        settings: Settings,
        bind: List[str],
        server: Optional[Server] = None,
    ) -> None:
        self._settings = settings
        self._bind = bind
        self._server = server
        # Once: a reload with a certificate that is half written must not end the server.
        self._tls = tls_settings(settings)
        self._loader = Loader(settings, dict(os.environ))
        del sys.argv[1:]  # they were ours; gunicorn would read them as its own
        super().__init__()
        cores = share_cores(os.environ, self.cfg.workers)
        before = self.cfg.on_starting

        def on_starting(arbiter: Any) -> None:
            before(arbiter)
            self._say_at_start(arbiter, cores)

        self.cfg.set("on_starting", on_starting)

    def init(self, *_arguments: Any) -> Dict[str, Any]:
        """Return gunicorn's settings."""
        known = self.cfg.settings
        wanted = gunicorn_settings(self._settings, bind=self._bind, known=known)
        own = dict(self._tls, post_worker_init=_count_worker)
        server = self._server
        if server:
            own["worker_exit"] = lambda _arbiter, _worker: server.tell_done()
        wanted.update((name, value) for name, value in own.items() if name in known)
        return wanted

    def load_config(self) -> None:
        """Read gunicorn's settings from everywhere, and see that our worker can serve with them."""
        super().load_config()
        self._worker_note = choose_worker(self.cfg)

    def _say_at_start(self, arbiter: Any, cores: str) -> None:
        if cores:
            arbiter.log.info(cores)
        warning = exposure.warning(self._settings)
        if warning and not (self._server and self._server.replaces):
            arbiter.log.warning(warning)
        if self._settings.metrics and not metric_files.folder():
            arbiter.log.info("/metrics is 404: the package prometheus-client is not installed")

    def load(self) -> Any:
        """Return the WSGI application; runs in each worker, or once in the master."""
        from scoredock_server.app import create_app

        metrics.find_client(self._settings)  # before the script, whose metrics are among ours
        server = self._server
        if server:
            app = _load_and_tell(server, self._loader, workers=self.cfg.workers)
        else:
            app = self._loader.load(create_app)
        if self._worker_note:
            log.server.warning(self._worker_note)
        if server and server.replaces:
            # The server before has the debugger's port until it is told to end.
            debugger.listen(self._settings)
        return app

    def reload(self) -> None:
        """Read the settings again; what the master has loaded is loaded again, too."""
        self.callable = None
        super().reload()


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


def _count_worker(_worker: Any) -> None:
    if metric_files.folder():
        metric_files.count_start()


def gunicorn_settings(settings: Settings, *, bind: List[str], known: Any) -> Dict[str, Any]:
    """Return gunicorn's settings by name; `known` are those that this gunicorn has."""
    wanted = {
        "bind": bind,
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
    return {name: value for name, value in wanted.items() if name in known}


def _addresses(settings: Settings) -> List[str]:
    addresses = [settings.bind]
    if settings.separate_health_endpoint:
        host = settings.bind.rpartition(":")[0]
        if host in ("unix", "fd"):
            host = "127.0.0.1"
        addresses.append("{}:{}".format(host, settings.health_port))
    if not (settings.port_from or _is_supervised(settings)):
        return addresses
    # gunicorn takes either addresses or descriptors.
    descriptors = [listen(address) for address in addresses]
    if settings.port_from:
        descriptors.append(receive(settings.port_from))
    return ["fd://{}".format(descriptor) for descriptor in descriptors]


def _is_supervised(settings: Settings) -> bool:
    return settings.watch or bool(settings.reload_socket)


def serve(settings: Settings) -> None:
    """Serve until a signal ends it. Raises SystemExit with gunicorn's status."""
    catch_up()
    try:
        Access(settings)  # a file without a usable key ends the server before it listens
        tls_settings(settings)
        log.choose(settings)
        metrics.prepare(settings)
        bind = _addresses(settings)
        if not _is_supervised(settings):
            ScoringServer(settings, bind).run()
            return
        from scoredock_server.supervisor import serve_and_reload

        # The configuration file may have changed with the script.
        serve_and_reload(
            settings,
            lambda server: ScoringServer(read_all_settings(dict(os.environ)), bind, server).run(),
        )
    except (ListenError, SettingError) as error:
        sys.stderr.write("scoredock-server: error: {}\n".format(error))
        sys.exit(getattr(error, "status", 1))
    except HaltServer as halted:
        # gunicorn lets this out where a second worker fails while it stops for the first.
        sys.exit(halted.exit_status)
