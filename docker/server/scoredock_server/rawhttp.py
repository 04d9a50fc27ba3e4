"""Raw HTTP access for entry scripts: what `azureml.contrib.services` offers them."""

import json
import sys
from typing import Any, Callable, Dict, Mapping, TypeVar

from flask import Request, Response

Function = TypeVar("Function", bound=Callable[..., Any])

# Headers whose values have commas of their own, most of them in a date (RFC 9110, 5.6.7).
_COMMA_IN_VALUE = {
    "date",
    "expires",
    "if-modified-since",
    "if-unmodified-since",
    "last-modified",
    "retry-after",
    "set-cookie",
}

# Where real packages, which win over our stand-ins, have the decorator and remember its use.
_DECORATORS = (
    "azureml.contrib.services.aml_request",
    "azureml_inference_server_http.api.aml_request",
)

_requested = False


def rawhttp(function: Function) -> Function:
    """Mark the entry script: its run() takes the request itself. The function is not changed."""
    global _requested
    _requested = True
    return function


def is_rawhttp() -> bool:
    """Tell whether the entry script asked for raw HTTP, by our decorator or an installed one."""
    installed = [sys.modules.get(name) for name in _DECORATORS]
    return _requested or any(getattr(module, "_rawHttpRequested", False) for module in installed)


class AMLRequest(Request):
    """The request that a run() decorated with `rawhttp` gets: a Flask request."""


class AMLResponse(Response):
    """A response in full, with the arguments of azureml-contrib-services 1.62.

    `message` None answers `{}`; `json_str` encodes it as JSON. A header value with commas becomes
    one header for each part, but for dates and cookies. Raises AttributeError for a header value
    that is not text.
    """

    def __init__(
        self,
        message: Any,
        status_code: Any,
        response_headers: Mapping[str, str] = {},  # noqa: B006 - the signature is the package's
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        as_json = json_str or message is None
        body = json.dumps({} if message is None else message) if as_json else message
        kind: Dict[str, Any] = {"mimetype": "application/json"} if as_json else {}
        super().__init__(body, status=status_code, **kind)
        if not as_json and "Content-Type" in response_headers:
            self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = str(bool(run_function_failed))
        for name, value in response_headers.items():
            parts = [value] if name.lower() in _COMMA_IN_VALUE else value.split(",")
            for part in parts:
                self.headers.add(name, part.strip())
