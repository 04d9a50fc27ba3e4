"""What a worker tells of its requests: a line of the log, metrics, spans.

One object for each worker, and none of it knows Flask. Whoever answers a request calls

    exchange = observation.began("POST", "/score", query, header)   once its head is read
    with exchange: ...                           around run(), in the thread that runs it
    observation.answered(exchange, 200, 17)      when the answer is known, whatever it is

and may call waiting() and batch(). The answer carries exchange.traceparent. Of answers to one
request, the first counts.
"""

from typing import Callable, Optional

from scoredock_server import tracing
from scoredock_server.access import OPEN_PATHS
from scoredock_server.access_log import Line
from scoredock_server.exchange import Exchange
from scoredock_server.metrics import Metrics, find_metrics
from scoredock_server.request_log import request_line
from scoredock_server.settings import Settings

METRICS_PATH = "/metrics"
# What is asked every few seconds, and tells nothing of the service's work.
_QUIET = OPEN_PATHS | {METRICS_PATH}

Header = Callable[[str], Optional[str]]


class Observation:
    """What is told of the requests of one worker."""

    def __init__(self, settings: Settings, *, init_seconds: float = 0) -> None:
        self.metrics: Optional[Metrics] = find_metrics(settings, init_seconds)
        self._write = request_line(settings)
        self._tracer = tracing.find_tracer(settings)

    def began(self, method: str, path: str, query: str, header: Header) -> Exchange:
        """Return the request's exchange; `header` returns what the request has of that name."""
        exchange = Exchange(method, path, query)
        if path in _QUIET:
            exchange.is_quiet = True
            return exchange
        parent = header("traceparent")
        if parent is not None:
            exchange.traceparent = tracing.checked(parent)
        if self._tracer is not None:
            self._tracer.begin(exchange, header("tracestate"))
        if self.metrics is not None:
            self.metrics.in_flight(1)
        return exchange

    def answered(
        self,
        exchange: Exchange,
        status: int,
        sent: Optional[int],
        *,
        is_logged: bool = True,
        line: Optional[Line] = None,
    ) -> None:
        """Tell of the request: `sent` are the body's bytes, None where it is a stream.

        `line` is gunicorn's, where gunicorn does not write it.
        """
        if exchange.is_quiet:
            return
        exchange.is_quiet = True
        exchange.status, exchange.sent = status, sent
        exchange.end()
        if self.metrics is not None:
            self.metrics.in_flight(-1)
            self.metrics.answered(exchange)
        if exchange.span is not None:
            exchange.span.end(exchange)
        if is_logged:
            self._write(exchange, line)

    def waiting(self, count: int) -> None:
        """Tell how many requests wait in this worker for run()."""
        if self.metrics is not None:
            self.metrics.waiting(count)

    def batch(self, size: int) -> None:
        """Tell how many requests one call of the script answers."""
        if self.metrics is not None:
            self.metrics.batch(size)
