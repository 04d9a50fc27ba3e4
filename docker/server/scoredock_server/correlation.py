"""Correlation ids: what a client sends to find its request again, and what it gets back."""

import uuid
from typing import Any, Dict, NamedTuple, Optional

MAX_LENGTH = 100


class IdTooLongError(Exception):
    """An id is longer than MAX_LENGTH characters; the message names the header."""


class RequestIds(NamedTuple):
    """The ids of one request; None where the answer has no such header."""

    request_id: Optional[str]
    ms_request_id: Optional[str]
    client_request_id: Optional[str]
    trace_id: Optional[str]

    def headers(self) -> Dict[str, str]:
        """Return the response headers."""
        named = {
            "x-request-id": self.request_id,
            "x-ms-request-id": self.ms_request_id,
            "x-ms-client-request-id": self.client_request_id,
            "TraceId": self.trace_id,
        }
        return {name: value for name, value in named.items() if value is not None}

    def __str__(self) -> str:
        """Return the ids as the log shows them, each once."""
        if self.client_request_id is None and self.ms_request_id == self.request_id:
            return self.request_id or ""  # of most requests
        ids = (self.request_id, self.ms_request_id, self.client_request_id)
        return " ".join(dict.fromkeys(name for name in ids if name))

    def check(self) -> "RequestIds":
        """Return the ids. Raises IdTooLongError."""
        if len(self.request_id or "") > MAX_LENGTH:
            raise IdTooLongError("x-request-id must not exceed {} characters".format(MAX_LENGTH))
        if max(len(self.ms_request_id or ""), len(self.client_request_id or "")) > MAX_LENGTH:
            raise IdTooLongError(
                "x-ms-request-id and x-ms-client-request-id must not exceed {} characters".format(
                    MAX_LENGTH
                )
            )
        return self

    def that_fit(self) -> "RequestIds":
        """Return the ids that the answer to a request with a too long id carries."""
        if len(self.request_id or "") > MAX_LENGTH:
            return RequestIds(None, None, None, self.trace_id)
        return RequestIds(self.request_id, None, None, self.trace_id)


def read_ids(headers: Any) -> RequestIds:
    """Return the ids of a request with these headers; what is missing or empty is made up.

    Which id takes the place of which is the reference server's matrix: a fresh UUID for
    x-request-id, x-ms-client-request-id for x-ms-request-id and the other way round.
    """
    sent = headers.get("x-ms-request-id") or None
    client = headers.get("x-ms-client-request-id") or None
    request_id = headers.get("x-request-id") or str(uuid.uuid4())
    return RequestIds(
        request_id=request_id,
        ms_request_id=sent or client or request_id,
        client_request_id=client or sent,
        trace_id=headers.get("TraceId"),
    )
