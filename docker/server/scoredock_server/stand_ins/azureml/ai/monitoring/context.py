"""Stand-in for azureml-ai-monitoring: what tells which inputs and outputs belong together."""

import time
import uuid
from typing import Any, Dict, Optional

__all__ = ["BasicCorrelationContext", "CorrelationContext", "get_context", "get_context_wrapper"]


class CorrelationContext:
    """What a Collector asks for the id; a script may derive its own class."""

    @staticmethod
    def get_id() -> str:
        """Return the id."""
        return ""

    def __str__(self) -> str:
        return self.get_id()

    def __repr__(self) -> str:
        return self.get_id()


class BasicCorrelationContext(CorrelationContext):
    """An id (a fresh UUID by default), a time in seconds since 1970 and free headers."""

    def __init__(
        self,
        id: Optional[str] = None,  # noqa: A002 - the package's name
        timestamp: Optional[int] = None,
        headers: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.id = id or str(uuid.uuid4())
        self.timestamp = timestamp or int(time.time())
        self.headers = headers or {}

    def get_id(self) -> str:  # type: ignore[override]
        """Return the id."""
        return self.id

    def get_timestamp(self) -> int:
        """Return the time in seconds since 1970."""
        return self.timestamp

    def get_headers(self) -> Dict[str, Any]:
        """Return the headers."""
        return self.headers


class WrapperContext(CorrelationContext):
    """A context with the outcome of collecting."""

    def __init__(self, correlation_context: Any, success: bool, message: str) -> None:
        self._context = correlation_context
        self._success = success
        self._message = message

    def get_id(self) -> str:  # type: ignore[override]
        """Return the id."""
        return str(self._context.get_id())

    def get_timestamp(self) -> int:
        """Return the time in seconds since 1970."""
        return int(self._context.get_timestamp())

    def get_headers(self) -> Dict[str, Any]:
        """Return the headers."""
        return dict(self._context.get_headers())

    def is_success(self) -> bool:
        """Tell whether the data were kept."""
        return self._success

    def get_message(self) -> str:
        """Return why they were not."""
        return self._message


def get_context() -> CorrelationContext:
    """Return a context with a fresh id."""
    return BasicCorrelationContext()


def get_context_wrapper(
    context: CorrelationContext, success: bool, message: str
) -> CorrelationContext:
    """Return `context` with the outcome of collecting."""
    return WrapperContext(context, success, message)
