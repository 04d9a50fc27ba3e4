"""The headers of requests that need no Flask: those that an answer depends on."""

import re
from typing import Any, Dict, Optional

from scoredock_server.correlation import IdTooLongError, RequestIds, read_ids

# Of a request, what an answer depends on; in gunicorn's spelling.
_READ = {
    "AUTHORIZATION",
    "CONTENT-TYPE",
    "HOST",
    "ORIGIN",
    "TRACEID",
    "TRACEPARENT",
    "TRACESTATE",
    "X-MS-CLIENT-REQUEST-ID",
    "X-MS-REQUEST-ID",
    "X-REQUEST-ID",
}
ASCII = re.compile(r"[\x20-\x7e]*")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]*")


class Headers(Dict[str, str]):
    """A request's headers, by names in any case."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header's value."""
        return super().get(name.upper(), default)


def plain_headers(request: Any) -> Optional[Headers]:
    """Return those headers of a request that count here; None where Flask should see to it."""
    found = Headers()
    for name, value in request.headers:
        if name in _READ:
            if name in found or not ASCII.fullmatch(value):
                return None
            found[name] = value
        elif "_" in name:
            return None
    return found if _HOST.fullmatch(found.get("HOST", "")) else None


def plain_ids(headers: Optional[Headers]) -> Optional[RequestIds]:
    """Return the ids of a request; None where Flask should see to it."""
    if headers is None:
        return None
    try:
        return read_ids(headers).check()
    except IdTooLongError:
        return None


def is_json(content_type: str) -> bool:
    """Tell whether a body of this type is JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
