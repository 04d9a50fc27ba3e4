"""W3C trace context: which trace a request belongs to, and a span of ours where spans are exported.

Without OTEL_EXPORTER_OTLP_ENDPOINT nothing of OpenTelemetry is imported, and the answer carries the
`traceparent` of the request: the server is no member of the trace, and the script may pass it on.
"""

import os
import re
import threading
from typing import Any, Dict, Optional

from scoredock_server import __version__, log
from scoredock_server.exchange import Exchange
from scoredock_server.settings import Settings

# https://www.w3.org/TR/trace-context/#traceparent-header. Later versions may have more at the end.
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def checked(traceparent: str) -> Optional[str]:
    """Return a traceparent that follows the rules, else None: it counts as none."""
    found = _PARENT.match(traceparent)
    if found is None:
        return None
    rest = traceparent[found.end() :]
    is_later = not traceparent.startswith("00") and rest.startswith("-")
    return traceparent if not rest or is_later else None


def set_variables(settings: Settings) -> None:
    """Set what the exporter reads itself, with OTEL_EXPORTER_OTLP_HEADERS and the others."""
    if settings.otlp_endpoint:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = settings.otlp_endpoint
        os.environ.setdefault("OTEL_SERVICE_NAME", settings.service_name)


def find_tracer(settings: Settings) -> "Optional[Tracer]":
    """Return what makes spans, or None where none are exported."""
    if not settings.otlp_endpoint:
        return None
    set_variables(settings)
    try:
        return Tracer()
    except ImportError as error:
        log.server.warning(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and no span is exported: %s (install"
            " opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http)",
            error,
        )
        return None


class Span:
    """A request's span; run() is inside it, in whichever thread it runs."""

    def __init__(self, tracer: "Tracer", span: Any) -> None:
        self._tracer = tracer
        self._span = span

    def enter(self) -> Any:
        """Make it the span that what is called from here on belongs to."""
        return self._tracer.context.attach(self._tracer.api.set_span_in_context(self._span))

    def leave(self, token: Any) -> None:
        """Undo enter()."""
        self._tracer.context.detach(token)

    def end(self, exchange: Exchange) -> None:
        """Say how the request ended, and when."""
        span = self._span
        span.set_attribute("http.response.status_code", exchange.status)
        if exchange.ids is not None and exchange.ids.request_id:
            span.set_attribute("scoredock.request_id", exchange.ids.request_id)
        if exchange.run_seconds is not None:
            span.set_attribute("scoredock.run_ms", round(exchange.run_seconds * 1000, 3))
        if exchange.status >= 500:
            span.set_status(self._tracer.failed)
        span.end()


class Tracer:
    """Makes a span for each request. Raises ImportError without OpenTelemetry's packages."""

    def __init__(self) -> None:
        from opentelemetry import context, trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        from opentelemetry.trace.status import Status, StatusCode

        self.api, self.context = trace, context
        self.failed = Status(StatusCode.ERROR)
        self._read = TraceContextTextMapPropagator().extract
        self._provider, self._exporter, self._processor = (
            TracerProvider,
            OTLPSpanExporter,
            BatchSpanProcessor,
        )
        self._lock = threading.Lock()
        self._tracer: Any = None
        self._pid = 0

    def begin(self, exchange: Exchange, tracestate: Optional[str]) -> None:
        """Begin the request's span, below the caller's where it has said one."""
        if self._pid != os.getpid():
            self._start()
        carrier: Dict[str, str] = {}
        if exchange.traceparent:
            carrier["traceparent"] = exchange.traceparent
            if tracestate:
                carrier["tracestate"] = tracestate
        route = "{} {}".format(exchange.method, exchange.path)
        span = self._tracer.start_span(
            # A path that is none of ours may be any text, and would be a name of its own.
            route if exchange.path in ("/score", "/swagger.json") else exchange.method,
            context=self._read(carrier),
            kind=self.api.SpanKind.SERVER,
            attributes={"http.request.method": exchange.method, "url.path": exchange.path},
        )
        own = span.get_span_context()
        exchange.traceparent = "00-{:032x}-{:016x}-{:02x}".format(
            own.trace_id, own.span_id, own.trace_flags
        )
        exchange.span = Span(self, span)

    def _start(self) -> None:
        """Begin to export in this process: the thread that does it does not survive a fork.

        A provider that the entry script has set is left as it is.
        """
        with self._lock:
            if self._pid == os.getpid():
                return
            provider = self.api.get_tracer_provider()
            if not isinstance(provider, self._provider):
                provider = self._provider()
                provider.add_span_processor(self._processor(self._exporter()))
                self.api.set_tracer_provider(provider)
            self._tracer = provider.get_tracer("scoredock_server", __version__)
            self._pid = os.getpid()
