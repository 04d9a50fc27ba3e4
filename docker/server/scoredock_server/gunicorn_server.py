"""Run the application under gunicorn."""

import sys
from typing import Any, Callable, Dict, List

from gunicorn.app.base import Application
from gunicorn.errors import HaltServer

from scoredock_server import debugger, exposure, log, metric_files, metrics
from scoredock_server.access import Access
from scoredock_server.handover import ListenError, listen, receive
from scoredock_server.older_gunicorns import catch_up
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings
from scoredock_server.tls import tls_settings


class ScoringServer(Application):  # type: ignore[misc] # gunicorn has no types
    """A gunicorn that takes its defaults from our settings.

    GUNICORN_CMD_ARGS and a gunicorn.conf.py in the working directory win over them. `bind` are the
    addresses, found once: a reload asks for the settings again, and must find the same sockets.
    `ready` is called in a worker that takes the place of another server once its init() has run.
    """

    def __init__(
        self,
        settings: Settings,
        bind: List[str],
        *,
        ready: Callable[[], None] = lambda: None,
        replaces: bool = False,
    ) -> None:
        self._settings = settings
        self._bind = bind
        self._ready = ready
        self._replaces = replaces
        # Once: a reload with a certificate that is half written must not end the server.
        self._tls = tls_settings(settings)
        del sys.argv[1:]  # they were ours; gunicorn would read them as its own
        super().__init__()

    def init(self, *_arguments: Any) -> Dict[str, Any]:
        """Return gunicorn's settings."""
        known = self.cfg.settings
        settings = gunicorn_settings(self._settings, bind=self._bind, known=known)
        own = dict(self._tls, on_starting=self._warn, post_worker_init=_count_worker)
        settings.update((name, value) for name, value in own.items() if name in known)
        return settings

    def _warn(self, arbiter: Any) -> None:
        warning = exposure.warning(self._settings)
        if warning and not self._replaces:
            arbiter.log.warning(warning)
        if self._settings.metrics and not metric_files.folder():
            arbiter.log.info("/metrics is 404: the package prometheus-client is not installed")

    def load(self) -> Any:
        """Return the WSGI application; runs in each worker."""
        from scoredock_server.app import create_app

        metrics.find_client(self._settings)  # before the script, whose metrics are among ours
        app = create_app(debugged=not self._replaces)
        self._ready()
        if self._replaces:
            # The server before has the debugger's port until it is told to end.
            debugger.listen(self._settings)
        return app


def _count_worker(_worker: Any) -> None:
    if metric_files.folder():
        metric_files.count_start()


def gunicorn_settings(settings: Settings, *, bind: List[str], known: Any) -> Dict[str, Any]:
    """Return gunicorn's settings by name; `known` are those that this gunicorn has."""
    wanted = {
        "bind": bind,
        "workers": settings.worker_count,
        "timeout": settings.worker_timeout,
        "preload_app": settings.worker_preload,
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
    if not (settings.port_from or settings.watch):
        return addresses
    # gunicorn takes either addresses or descriptors.
    descriptors = [listen(address) for address in addresses]
    if settings.port_from:
        descriptors.append(receive(settings.port_from))
    return ["fd://{}".format(descriptor) for descriptor in descriptors]


def serve(settings: Settings) -> None:
    """Serve until a signal ends it. Raises SystemExit with gunicorn's status."""
    catch_up()
    try:
        Access(settings)  # a file without a usable key ends the server before it listens
        tls_settings(settings)
        log.choose(settings)
        metrics.prepare(settings)
        bind = _addresses(settings)
        if settings.watch:
            from scoredock_server.watch import serve_and_watch

            serve_and_watch(settings, lambda **how: ScoringServer(settings, bind, **how).run())
        else:
            ScoringServer(settings, bind).run()
    except (ListenError, SettingError) as error:
        sys.stderr.write("scoredock-server: error: {}\n".format(error))
        sys.exit(getattr(error, "status", 1))
    except HaltServer as halted:
        # gunicorn lets this out where a second worker fails while it stops for the first.
        sys.exit(halted.exit_status)
