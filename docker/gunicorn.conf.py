"""How gunicorn runs the scoring server. The variables have the reference server's names."""

import os

bind = os.environ.get("SCOREDOCK_BIND", "0.0.0.0:5001")
workers = int(os.environ.get("WORKER_COUNT") or 1)
timeout = int(os.environ.get("WORKER_TIMEOUT") or 300)
# Below compose.yaml's stop_grace_period, so that requests in flight end before the kill.
graceful_timeout = 25
accesslog = "-"
errorlog = "-"
# The root file system is read-only; nothing here is steered through a socket (gunicorn >= 25).
control_socket_disable = True
