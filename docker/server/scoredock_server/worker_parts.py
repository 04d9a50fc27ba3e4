"""What our worker makes of the application that it has loaded, and of gunicorn's settings."""

from typing import Any, Optional

from scoredock_server.app import front_of
from scoredock_server.event_loop import Limits
from scoredock_server.fast_path import FastPath

# Seconds that a run() which its time limit stops may take to end.
_MERCY = 0.5


def limits(worker: Any) -> Limits:
    """Return how long and how much of a client is waited for."""
    config = worker.cfg
    line = config.limit_request_line or 1 << 20
    fields = config.limit_request_fields * (config.limit_request_field_size or 8190) + 4
    found = Limits(
        request_line=line, head=min(line + fields, 1 << 20), idle_seconds=config.keepalive
    )
    front = front_of(worker.wsgi)
    if front is None:
        return found
    settings = front.service.settings
    return found._replace(
        body=settings.max_body_mb * 1000000,
        queue=settings.queue_length,
        head_seconds=settings.head_timeout,
        body_seconds=settings.body_timeout,
    )


def overdue_after(worker: Any) -> float:
    """Return after how many seconds a run() is answered for that cannot be stopped; 0 is never."""
    front = front_of(worker.wsgi)
    milliseconds = front.service.settings.scoring_timeout_ms if front else 0
    return milliseconds / 1000 + _MERCY if milliseconds else 0.0


def fast_path(worker: Any) -> Optional[FastPath]:
    """Return what answers without WSGI; None where the application or its hooks are not ours."""
    front = front_of(worker.wsgi)
    settings = worker.cfg.settings
    hooks = ("pre_request", "post_request")
    if not front or any(settings[name].get() is not settings[name].default for name in hooks):
        return None
    return FastPath(front, worker.log)
