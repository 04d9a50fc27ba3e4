"""Answers that need no Flask: POST /score for scripts that take text or JSON, and the health.

A request that is out of the ordinary, or a run() that returns a response of its own, is Flask's:
what a client sees is the same.
"""

import os
import sys
import time
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import gunicorn
from gunicorn import util
from werkzeug.http import HTTP_STATUS_CODES

from scoredock_server import log
from scoredock_server.answer import Answer
from scoredock_server.app import BEGAN, IDS
from scoredock_server.correlation import RequestIds, answering, read_ids
from scoredock_server.deadline import ScoringTimeoutError
from scoredock_server.inputs import as_text, by_name, values_of
from scoredock_server.log import HEALTH
from scoredock_server.plain_headers import ASCII, Headers, is_json, plain_headers, plain_ids
from scoredock_server.request_log import Line, RequestLog
from scoredock_server.scoring import (
    DURATION,
    FAILED,
    INTERNAL_ERROR,
    SCORED,
    Scored,
    Scorer,
    error_text,
)
from scoredock_server.service import Service

# As gunicorn and Flask write them, "200 OK" and others.
_REASONS = {status: reason.upper() for status, reason in HTTP_STATUS_CODES.items()}


class ForFlask(NamedTuple):
    """A request that run() has had already: what Flask's environ is to hold."""

    environ: Dict[str, Any]


class FastPath:
    """Answers what it can; None is Flask's."""

    def __init__(self, service: Service, gunicorn_log: Any) -> None:
        settings = service.settings
        self._script = service.script
        self._scorer = Scorer(service.script, settings)
        self._cors = settings.cors_origins
        self._log = RequestLog(gunicorn_log)
        self._milliseconds = settings.scoring_timeout_ms
        script = service.script
        self._scores = not (script.rawhttp or script.wants_headers or _uses_flask(service))
        self._parameter = next(iter(script.parameters))
        self._begins = Beginnings()
        self._version = ""
        if settings.send_server_version:
            self._version = "x-ms-server-version: {}\r\n".format(settings.server_version)
        if not ASCII.fullmatch(settings.server_version):
            self._scores = False

    def health(self, request: Any, *, alive: bool, full: bool) -> Optional[Answer]:
        """Return the answer to a health check, while the server is `alive` or its queue `full`."""
        if request.method != "GET" or request.uri not in HEALTH:
            return None
        headers = plain_headers(request)
        ids = plain_ids(headers)
        if headers is None or ids is None:
            return None
        own = "Content-Type: text/plain; charset=utf-8\r\n"
        status, body = 200, b"ok"
        if request.uri == "/":
            own, body = "Content-Type: text/html; charset=utf-8\r\n", b"Healthy"
        elif request.uri == "/readyz" and not (alive and not full):
            status, own = 503, own + "Retry-After: 1\r\n"
            body = b"too many requests wait" if alive else b"the server ends"
        keep = alive and not request.should_close()
        return Answer(self._data(request, status, own, body, headers, ids, keep), keep=keep)

    def refusal(
        self,
        request: Any,
        address: Any,
        status: int,
        message: str,
        *,
        keep: bool,
        failed: bool = False,
    ) -> Answer:
        """Return the answer to a request that run() does not answer; `failed`: it is to blame."""
        headers = plain_headers(request) or Headers()
        ids = plain_ids(headers) or read_ids(Headers())
        keep = keep and not request.should_close()
        own = _own_headers(Scored(status, "", failed))
        if status == 503:
            own += "Retry-After: 1\r\n"
        body = error_text(message).encode("utf-8")
        data = self._data(request, status, own, body, headers, ids, keep)
        line = Line(request, address, str(status), len(body), 0, ids)
        return Answer(data, keep=keep, log=self._log, line=line)

    def overdue(self, request: Any, address: Any) -> Answer:
        """Return the answer to a request whose run() takes too long and cannot be stopped."""
        error = ScoringTimeoutError.after(self._milliseconds)
        return self.refusal(request, address, 500, str(error), keep=False, failed=True)

    def score(self, request: Any, body: bytes, address: Any, keeps: Callable[[], bool]) -> Any:
        """Return the answer to a request to /score, ForFlask, or None.

        `keeps` tells, once run() has ended, whether the connection may live on.
        """
        if not self._scores or request.method != "POST" or request.path != "/score":
            return None
        headers = plain_headers(request)
        ids = plain_ids(headers)
        if headers is None or ids is None or not ASCII.fullmatch(request.uri):
            return None
        began = time.perf_counter()
        answering(ids)
        try:
            scored = self._scorer.score(lambda: self._arguments(headers, body))
        except Exception:
            log.server.exception("this is a fault of the server [%s]", ids)
            scored = Scored(500, error_text(INTERNAL_ERROR))
        finally:
            answering(None)
        status = scored.status
        if scored.response is not None or status not in (200, 400, 415, 500):
            return ForFlask({SCORED: scored, IDS: ids, BEGAN: began})
        keep = keeps() and not request.should_close()
        text = scored.text.encode("utf-8")
        data = self._data(request, status, _own_headers(scored), text, headers, ids, keep)
        seconds = time.perf_counter() - began
        line = Line(request, address, str(status), len(text), seconds, ids)
        return Answer(data, keep=keep, log=self._log, line=line)

    def _arguments(self, headers: Headers, body: bytes) -> Dict[str, Any]:
        if not self._script.schema:
            return {self._parameter: as_text(body)}
        content_type = headers.get("Content-Type", "")
        given = values_of(
            self._script.schema.typed,
            content_type.partition(";")[0].strip().lower(),
            lambda: body,
            is_json=is_json(content_type),
        )
        return by_name(self._script, given)

    def _data(
        self,
        request: Any,
        status: int,
        own: str,
        body: bytes,
        headers: Headers,
        ids: RequestIds,
        keep: bool,
    ) -> bytes:
        """Return an answer as gunicorn and Flask would write it."""
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


class Beginnings:
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


def _own_headers(scored: Scored) -> str:
    text = "Content-Type: application/json\r\n{}: {}\r\n".format(FAILED, scored.failed)
    if scored.duration is not None:
        text += "{}: {}\r\n".format(DURATION, scored.duration)
    return text


def _uses_flask(service: Service) -> bool:
    """Tell whether the script may look at Flask's own request, which is not there without Flask."""
    folders = (os.path.dirname(service.script.path), service.settings.source_folder)
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not (isinstance(path, str) and path.endswith(".py")):
            continue
        if path.startswith(folders) and "site-packages" not in path:
            with open(path, "rb") as file:
                if b"flask" in file.read():
                    return True
    return False
