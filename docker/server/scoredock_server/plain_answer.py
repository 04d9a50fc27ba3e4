"""Answers that need no Flask, as gunicorn and Flask would write them."""

import time
from typing import Any, Dict, Tuple

import gunicorn
from gunicorn import util
from werkzeug.http import HTTP_STATUS_CODES

from scoredock_server.correlation import RequestIds
from scoredock_server.plain_headers import Headers
from scoredock_server.scoring import DURATION, FAILED, Scored
from scoredock_server.settings import Settings

# As gunicorn and Flask write them, "200 OK" and others.
_REASONS = {status: reason.upper() for status, reason in HTTP_STATUS_CODES.items()}


class Writer:
    """Writes answers, with what the settings add to each."""

    def __init__(self, settings: Settings) -> None:
        self._cors = settings.cors_origins
        self._begins = _Beginnings()
        self._version = ""
        if settings.send_server_version:
            self._version = "x-ms-server-version: {}\r\n".format(settings.server_version)

    def data(
        self,
        request: Any,
        status: int,
        own: str,
        body: bytes,
        headers: Headers,
        ids: RequestIds,
        keep: bool,
    ) -> bytes:
        """Return the bytes of an answer; `own` are its own headers."""
        lines = [
            self._begins.text(request.version, status, keep),
            own,
            "Content-Length: {}\r\n".format(len(body)),
            self._version,
        ]
        for name, value in ids.headers().items():
            lines += (name, ": ", value, "\r\n")
        for name, value in self._cors.headers(headers, request.method).items():
            lines += (name, ": ", value, "\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("latin-1") + body


def own_headers(scored: Scored) -> str:
    """Return the headers of an answer that run() has made, or that is an error."""
    text = "Content-Type: application/json\r\n{}: {}\r\n".format(FAILED, scored.failed)
    if scored.duration is not None:
        text += "{}: {}\r\n".format(DURATION, scored.duration)
    return text


class _Beginnings:
    """How answers begin, down to the headers that are the same for a second."""

    def __init__(self) -> None:
        self._second = 0
        self._texts: Dict[Any, str] = {}

    def text(self, version: Tuple[int, int], status: int, keep: bool) -> str:
        """Return the status line, Server, Date and Connection."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._texts = {}
        key = (version, status, keep)
        found = self._texts.get(key)
        if found is None:
            found = "HTTP/{}.{} {} {}\r\nServer: {}\r\nDate: {}\r\nConnection: {}\r\n".format(
                version[0],
                version[1],
                status,
                _REASONS[status],
                gunicorn.SERVER,
                util.http_date(),
                "keep-alive" if keep else "close",
            )
            self._texts[key] = found
        return found
