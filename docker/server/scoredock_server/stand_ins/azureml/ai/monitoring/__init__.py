"""Stand-in for azureml-ai-monitoring: what is collected goes to scoredock_server.collector."""

import os
from typing import Any, Callable, Optional

from azureml.ai.monitoring.context import BasicCorrelationContext, CorrelationContext

from scoredock_server import collector
from scoredock_server.exchange import request_id

__all__ = ["Collector"]


class Collector:
    """Collects into the collection `name`, with the arguments of azureml-ai-monitoring.

    `on_error` gets the exception for whatever is not kept; without it the log tells.
    """

    def __init__(self, *, name: str, on_error: Optional[Callable[[Exception], Any]] = None) -> None:
        self.name = name
        self._collection = collector.Collection(name, _deployed_model(), on_error)
        if not name:
            self._collection.report(ValueError("a Collector needs a name"))

    def collect(
        self, data: Any, correlation_context: Optional[CorrelationContext] = None
    ) -> CorrelationContext:
        """Collect a DataFrame, a list or a dict; give the result to the next collector.

        Without a context, what is collected in one request has the request's id in common.
        """
        if correlation_context is None:
            correlation_context = BasicCorrelationContext(id=request_id())
        try:
            correlation = str(correlation_context.get_id())
        except Exception as error:
            self._collection.report(error)
        else:
            self._collection.add(data, correlation)
        return correlation_context


def _deployed_model() -> Optional[str]:
    """Return NAME:VERSION where AZUREML_MODEL_DIR is azureml-models/NAME/VERSION."""
    parts = os.environ.get("AZUREML_MODEL_DIR", "").rstrip("/").split("/")
    if len(parts) < 3 or parts[-3] != "azureml-models":
        return None
    return "{}:{}".format(parts[-2], parts[-1])
