"""Which gunicorn worker serves: ours, or gunicorn's own gthread where ours could not."""

from typing import Any, Optional

import gunicorn

OURS = "scoredock_server.worker.ScoringWorker"
_KNOWN = ((20, 1), (28,))


def obstacle(config: Any) -> Optional[str]:
    """Return why our worker cannot serve with this gunicorn and its settings, or None."""
    version = tuple(gunicorn.version_info)
    if not _KNOWN[0] <= version < _KNOWN[1]:
        return "gunicorn {} is not known".format(gunicorn.__version__)
    try:
        from scoredock_server import worker  # noqa: F401
    except (ImportError, AttributeError) as error:
        return "gunicorn {} is not as expected: {}".format(gunicorn.__version__, error)
    if config.proxy_protocol not in (False, "off"):
        return "it knows no PROXY protocol"
    if getattr(config, "protocol", "http") != "http":
        return "it speaks HTTP alone"
    if "h2" in getattr(config, "http_protocols", ()):
        return "it knows no HTTP/2"
    if config.is_ssl and config.do_handshake_on_connect:
        return "it has no use for do_handshake_on_connect"
    return None


def choose_worker(config: Any) -> str:
    """Put gthread in the place of our worker where that cannot serve, and where threads are asked.

    Return what is to be said of it, if anything.
    """
    if config.settings["worker_class"].get() != OURS:
        return ""
    reason = obstacle(config) if config.threads <= 1 else ""
    if reason is None:
        return ""
    config.set("worker_class", "gthread")
    return reason and "The worker is gunicorn's gthread, not ours: " + reason
