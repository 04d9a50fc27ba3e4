"""One request and its answer: what is told of them afterwards, and which one a thread is at."""

import threading
import time
from typing import Any, Optional

from scoredock_server.correlation import RequestIds

_thread = threading.local()


class Exchange:
    """A request that is being answered. `with exchange:` stands around run().

    `seconds` and `run_seconds` are measured here; `received` and `sent` are the bodies' bytes, None
    where nobody knows. `traceparent` is what the answer carries, see tracing.py.
    """

    __slots__ = (
        "began", "before", "client", "ids", "is_quiet", "method", "path", "query", "received",
        "run_seconds", "seconds", "sent", "span", "status", "token", "traceparent",
    )  # fmt: skip

    def __init__(self, method: str, path: str, query: str = "") -> None:
        self.began = time.perf_counter()
        self.method = method
        self.path = path
        self.query = query
        self.ids: Optional[RequestIds] = None
        self.client: Optional[str] = None
        self.received: Optional[int] = None
        self.sent: Optional[int] = None
        self.status = 0
        self.seconds = 0.0
        self.run_seconds: Optional[float] = None
        self.is_quiet = False
        self.traceparent: Optional[str] = None
        self.span: Any = None
        self.token: Any = None
        self.before: "Optional[Exchange]" = None

    def __enter__(self) -> "Exchange":
        """Begin run(): what the thread logs until it ends belongs to this request."""
        self.before = current()
        set_current(self)
        if self.span is not None:
            self.token = self.span.enter()
        self.run_seconds = -time.perf_counter()
        return self

    def __exit__(self, *_: Any) -> None:
        """End run(), whatever came of it."""
        self.run_seconds = time.perf_counter() + (self.run_seconds or 0)
        if self.span is not None:
            self.span.leave(self.token)
        set_current(self.before)

    @property
    def trace_id(self) -> Optional[str]:
        """The trace that the request belongs to."""
        return self.traceparent.split("-")[1] if self.traceparent else None


def current() -> Optional[Exchange]:
    """Return the request that this thread is answering, if it is."""
    return getattr(_thread, "exchange", None)


def set_current(exchange: Optional[Exchange]) -> None:
    """Say which request this thread is answering."""
    _thread.exchange = exchange
