"""How gunicorn runs the scoring server. The variables have the reference server's names."""

import os


def setting(name: str, default: int) -> int:
    """Return what the operator set, else what the spec or the image set, else the default."""
    return int(os.environ.get("SCOREDOCK_" + name) or os.environ.get(name) or default)


bind = os.environ.get("SCOREDOCK_BIND", "0.0.0.0:5001")
workers = setting("WORKER_COUNT", 1)
timeout = setting("WORKER_TIMEOUT", 300)
# Below compose.yaml's stop_grace_period, so that requests in flight end before the kill.
graceful_timeout = 25
accesslog = "-"
errorlog = "-"
# The root file system is read-only; nothing here is steered through a socket (gunicorn >= 25).
control_socket_disable = True
