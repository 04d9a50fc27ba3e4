"""Run the application under gunicorn."""

import sys
from typing import Any, Dict, List

from gunicorn.app.base import Application
from gunicorn.errors import HaltServer

from scoredock_server.handover import ListenError, listen, receive
from scoredock_server.older_gunicorns import catch_up
from scoredock_server.settings import Settings


class ScoringServer(Application):  # type: ignore[misc] # gunicorn has no types
    """A gunicorn that takes its defaults from our settings.

    GUNICORN_CMD_ARGS and a gunicorn.conf.py in the working directory win over them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Once: a reload asks for the settings again, and must find the same sockets.
        self._bind = _addresses(settings)
        del sys.argv[1:]  # they were ours; gunicorn would read them as its own
        super().__init__()

    def init(self, *_arguments: Any) -> Dict[str, Any]:
        """Return gunicorn's settings."""
        return gunicorn_settings(self._settings, bind=self._bind, known=self.cfg.settings)

    def load(self) -> Any:
        """Return the WSGI application; runs in each worker."""
        from scoredock_server.app import create_app

        return create_app()


def gunicorn_settings(settings: Settings, *, bind: List[str], known: Any) -> Dict[str, Any]:
    """Return gunicorn's settings by name; `known` are those that this gunicorn has."""
    wanted = {
        "bind": bind,
        "workers": settings.worker_count,
        "timeout": settings.worker_timeout,
        "preload_app": settings.worker_preload,
        # Below compose.yaml's stop_grace_period, so that requests in flight end before the kill.
        "graceful_timeout": 25,
        "accesslog": "-",
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
    if settings.port_from:
        # gunicorn takes either addresses or descriptors.
        descriptors = [listen(address) for address in addresses] + [receive(settings.port_from)]
        return ["fd://{}".format(descriptor) for descriptor in descriptors]
    return addresses


def serve(settings: Settings) -> None:
    """Serve until a signal ends it. Raises SystemExit with gunicorn's status."""
    catch_up()
    try:
        ScoringServer(settings).run()
    except ListenError as error:
        sys.stderr.write("scoredock-server: error: {}\n".format(error))
        sys.exit(1)
    except HaltServer as halted:
        # gunicorn lets this out where a second worker fails while it stops for the first.
        sys.exit(halted.exit_status)
