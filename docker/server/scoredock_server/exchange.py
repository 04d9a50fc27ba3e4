"""One request and its answer: what is told of them afterwards, and which one a thread is at."""

import threading
import time
from typing import Any, Dict, Optional

from flask import g, has_request_context

from scoredock_server.correlation import RequestIds

# By the thread that is at it.
_current: "Dict[int, Exchange]" = {}


class Exchange:
    """A request that is being answered. `with exchange:` stands around run().

    `seconds` and `run_seconds` are measured here; `received` and `sent` are the bodies' bytes, None
    where nobody knows. `traceparent` is what the answer carries, see tracing.py. `is_quiet` says
    that nothing, or nothing more, is told of it.
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

    def end(self) -> None:
        """Say that the answer is known: the first time, that is."""
        if not self.seconds:
            self.seconds = time.perf_counter() - self.began

    @property
    def trace_id(self) -> Optional[str]:
        """The trace that the request belongs to."""
        return self.traceparent.split("-")[1] if self.traceparent else None


def current() -> Optional[Exchange]:
    """Return the request that this thread is answering, if it is."""
    return _current.get(threading.get_ident())


def current_of_main_thread() -> Optional[Exchange]:
    """Return the request that the main thread is answering, for another thread to answer."""
    return _current.get(threading.main_thread().ident or 0)


def set_current(exchange: Optional[Exchange]) -> None:
    """Say which request this thread is answering."""
    if exchange is None:
        _current.pop(threading.get_ident(), None)
    else:
        _current[threading.get_ident()] = exchange


def current_ids() -> Optional[RequestIds]:
    """Return the ids of the request that is being answered, or None outside of one."""
    exchange = current()
    if exchange is not None and exchange.ids is not None:
        return exchange.ids
    # A thread, or a stream, to which the script has handed Flask's context.
    return g.get("ids") if has_request_context() else None


def request_id() -> Optional[str]:
    """Return the id of the request that is being answered, or None outside of one."""
    ids = current_ids()
    return ids.request_id if ids else None
