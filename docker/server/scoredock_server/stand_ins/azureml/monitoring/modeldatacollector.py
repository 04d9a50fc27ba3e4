"""Stand-in for azureml-monitoring: what is collected goes to scoredock_server.collector."""

import threading
import uuid
from datetime import datetime, timezone
from typing import Any, Dict, Optional, Sequence

from scoredock_server.collector import Collection
from scoredock_server.exchange import request_id

__all__ = ["ModelDataCollector"]


class ModelDataCollector:
    """Collects into the collection MODEL-DESIGNATION, with the arguments of azureml-monitoring.

    `feature_names` become the keys of rows that have none; `collection_name` is added to the
    collection's name; `workspace` and `webservice_name` mean nothing here.
    """

    AML_DC_CORRELATION_HEADER = "$aml_dc_correlation_id"
    AML_DC_SCORING_TIMESTAMP_HEADER = "$aml_dc_scoring_timestamp"
    AML_MODEL_NAME_HEADER = "$aml_model_name"
    AML_MODEL_VERSION_HEADER = "$aml_model_version"
    AML_REQUEST_ID_HEADER = "$aml_request_id"

    def __init__(
        self,
        model_name: str,
        designation: str = "default",
        feature_names: Optional[Sequence[str]] = None,
        workspace: str = "default/default/default",  # noqa: ARG002
        webservice_name: str = "default",  # noqa: ARG002
        model_version: str = "default",
        collection_name: str = "default",
    ) -> None:
        self.model_name = model_name
        self.model_version = model_version
        self._designation = "general" if designation == "default" else designation
        self._feature_names = feature_names
        self._next = threading.local()
        parts = [str(model_name), str(self._designation)]
        parts += [] if collection_name == "default" else [str(collection_name)]
        version = "" if model_version == "default" else ":{}".format(model_version)
        self._collection = Collection("-".join(parts), model="{}{}".format(model_name, version))

    def collect(self, input_data: Any, user_correlation_id: str = "") -> Optional[Dict[str, Any]]:
        """Collect a list, an array, a DataFrame or text; `inputs` return their correlations.

        What is collected without an id, in one request, has the request's id in common.
        """
        request = request_id()
        carried = getattr(self._next, "correlation", None)
        self._next.correlation = None
        correlation = str(user_correlation_id or carried or request or uuid.uuid4())
        try:
            input_data = _rows(input_data, self._feature_names)
        except Exception as error:
            self._collection.report(error)
            return None
        self._collection.add(input_data, correlation)
        if self._designation != "inputs":
            return None
        now = datetime.now(timezone.utc).replace(tzinfo=None)  # as the package writes it
        return {
            self.AML_DC_CORRELATION_HEADER: correlation,
            self.AML_DC_SCORING_TIMESTAMP_HEADER: now.isoformat(),
            self.AML_MODEL_NAME_HEADER: self.model_name,
            self.AML_MODEL_VERSION_HEADER: self.model_version,
            self.AML_REQUEST_ID_HEADER: request,
        }

    def add_correlations(self, input_data: Any, correlations: Optional[Dict[str, Any]]) -> Any:
        """Give what this thread collects next the id of the inputs; the data stay as they are.

        The package adds columns instead, which here are fields of the record.
        """
        self._next.correlation = (correlations or {}).get(self.AML_DC_CORRELATION_HEADER)
        return input_data


def _rows(data: Any, names: Optional[Sequence[str]]) -> Any:
    """Return objects with the feature names for rows that fit them, and other data as they are."""
    if names is None or hasattr(data, "columns"):
        return data
    values = data.tolist() if hasattr(data, "tolist") else data
    if not isinstance(values, (list, tuple)) or not values:
        return data
    rows = values if all(isinstance(row, (list, tuple)) for row in values) else [values]
    keys = [str(name) for name in names]
    if any(len(row) != len(keys) for row in rows):
        return data
    return [dict(zip(keys, row)) for row in rows]
