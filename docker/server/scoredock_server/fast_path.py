"""Answers that need no Flask: POST /score for scripts that take text or JSON, and the health.

A request that is out of the ordinary, or a run() that returns a response of its own, is Flask's:
what a client sees is the same.
"""

from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from scoredock_server import log
from scoredock_server.access import CHALLENGE, REFUSED
from scoredock_server.access_log import AccessLog, Line
from scoredock_server.answer import Answer
from scoredock_server.app import EXCHANGE, Front
from scoredock_server.batch_scoring import Asked, BatchScorer
from scoredock_server.correlation import RequestIds, read_ids
from scoredock_server.deadline import ScoringTimeoutError
from scoredock_server.entry_script import mentions_flask
from scoredock_server.exchange import Exchange, current_of_main_thread, set_current
from scoredock_server.inputs import as_text, by_name, values_of
from scoredock_server.last_reload import ready_text
from scoredock_server.log import HEALTH
from scoredock_server.plain_answer import Writer, own_headers
from scoredock_server.plain_headers import ASCII, Headers, is_json, plain_headers, plain_ids
from scoredock_server.scoring import (
    INTERNAL_ERROR,
    SCORED,
    SCRIPT_ERROR,
    Scored,
    Scorer,
    error_text,
)


class ForFlask(NamedTuple):
    """A request that is Flask's: what its environ is to hold, where run() has had it already."""

    environ: Dict[str, Any]


class Begun(NamedTuple):
    """A request that needs no Flask, and its exchange."""

    request: Any
    body: bytes
    headers: Headers
    exchange: Exchange


class FastPath:
    """Answers what it can; None is Flask's."""

    def __init__(self, front: Front, gunicorn_log: Any) -> None:
        service, self._access, self._observation = front
        settings = service.settings
        self._script = service.script
        self._scorer = Scorer(service.script, settings, self._observation.batch)
        self._written = Writer(settings).data
        self._log = AccessLog(gunicorn_log, with_query=settings.log_queries)
        self._milliseconds = settings.scoring_timeout_ms
        script = service.script
        self._scores = not (
            script.rawhttp or script.wants_headers or mentions_flask(script, settings)
        )
        self._parameter = next(iter(script.parameters))
        if not ASCII.fullmatch(settings.server_version):
            self._scores = False
        self.batch_limit = settings.batch_limit if script.batch and self._scores else 1
        self._together = BatchScorer(self._scorer, script, settings.scoring_timeout_ms)
        if script.batch and not self._scores:
            log.server.warning("The script uses Flask or headers: it has one request at a time")

    def health(self, request: Any, *, alive: bool, obstacle: str) -> Optional[Answer]:
        """Return the answer to a health check; `obstacle` is why no request is taken."""
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
        elif request.uri == "/readyz" and (obstacle or not alive):
            status, own = 503, own + "Retry-After: 1\r\n"
            body = obstacle.encode("ascii") if alive else b"the server ends"
        elif request.uri == "/readyz":
            body = ready_text().encode("utf-8")
        keep = alive and not request.should_close()
        return Answer(self._written(request, status, own, body, headers, ids, keep), keep=keep)

    def without_key(self, request: Any, address: Any, *, keep: bool) -> Optional[Answer]:
        """Return the answer to a request to /score without a key of the service.

        None is for one that may be scored. The others are refused by Flask, and so is what `score`
        leaves to it.
        """
        if self._access.is_open or request.method != "POST" or request.path != "/score":
            return None
        sent = [value for name, value in request.headers if name == "AUTHORIZATION"]
        if self._access.allows(request.path, ",".join(sent)):
            return None
        if plain_ids(plain_headers(request)) is None:
            return None
        return self.refusal(request, address, 401, REFUSED, keep=keep)

    def refusal(
        self, request: Any, address: Any, status: int, message: str, *, keep: bool
    ) -> Answer:
        """Return the answer to a request that run() does not answer."""
        headers = plain_headers(request) or Headers()
        ids = plain_ids(headers) or read_ids(Headers())
        exchange = self._begun(request, address, headers, ids)
        return self._error(request, exchange, status, message, keep=keep)

    def overdue(self, request: Any, address: Any, begun: Optional[Begun], *, lost: bool) -> Answer:
        """Return the answer to a request whose run() takes too long and cannot be stopped.

        `begun` is known of one that is answered together with others. With `lost`, it is
        WORKER_TIMEOUT that is over.
        """
        message = SCRIPT_ERROR if lost else str(ScoringTimeoutError.after(self._milliseconds))
        exchange = begun.exchange if begun else current_of_main_thread()
        if exchange is None or exchange.ids is None:  # a stream, whose answer has been told of
            return self.refusal(request, address, 500, message, keep=False)
        return self._error(request, exchange, 500, message, keep=False, failed=True)

    def _error(
        self,
        request: Any,
        exchange: Exchange,
        status: int,
        message: str,
        *,
        keep: bool,
        failed: bool = False,
    ) -> Answer:
        own = own_headers(Scored(status, "", failed))
        if status == 503:
            own += "Retry-After: 1\r\n"
        elif status == 401:
            own += "WWW-Authenticate: {}\r\n".format(CHALLENGE)
        headers = plain_headers(request) or Headers()
        keep = keep and not request.should_close()
        body = error_text(message).encode("utf-8")
        return self._answer(request, exchange, status, own, body, headers, keep)

    def begin(self, request: Any, body: bytes, address: Any) -> Optional[Begun]:
        """Begin with a request to /score; None is Flask's."""
        if not self.takes(request):
            return None
        headers = plain_headers(request)
        ids = plain_ids(headers)
        if headers is None or ids is None or not ASCII.fullmatch(request.uri):
            return None
        exchange = self._begun(request, address, headers, ids)
        exchange.received = len(body)
        return Begun(request, body, headers, exchange)

    def takes(self, request: Any) -> bool:
        """Tell whether a request may be one to begin with."""
        return self._scores and request.method == "POST" and request.path == "/score"

    def score(self, begun: Begun, keeps: Callable[[], bool]) -> Any:
        """Return the answer to a request, or ForFlask.

        `keeps` tells, once run() has ended, whether the connection may live on.
        """
        exchange = begun.exchange
        set_current(exchange)
        try:
            scored = self._scorer.score(exchange, partial(self._arguments, begun))
        except Exception:
            log.server.exception("this is a fault of the server [%s]", exchange.ids)
            scored = Scored(500, error_text(INTERNAL_ERROR))
        finally:
            set_current(None)
        return self._scored(begun, scored, keeps)

    def score_together(
        self, several: List[Begun], keeps: Callable[[], bool], renew: Callable[[], None]
    ) -> List[Any]:
        """Return the answer to each request, ForFlask, or None: it is to be answered alone.

        `renew` is called where the time of run() begins anew.
        """
        asked = [Asked(begun.exchange, partial(self._arguments, begun)) for begun in several]
        try:
            answers = zip(several, self._together.score(asked, keeps, renew))
            return [scored and self._scored(begun, scored, keeps) for begun, scored in answers]
        except Exception:
            log.server.exception("this is a fault of the server")
            return [None] * len(several)

    def _scored(self, begun: Begun, scored: Scored, keeps: Callable[[], bool]) -> Any:
        request, _, headers, exchange = begun
        if scored.response is not None or scored.status not in (200, 400, 415, 500):
            return ForFlask({SCORED: scored, EXCHANGE: exchange})
        keep = keeps() and not request.should_close()
        text = scored.text.encode("utf-8")
        own = own_headers(scored)
        return self._answer(request, exchange, scored.status, own, text, headers, keep)

    def _begun(self, request: Any, address: Any, headers: Headers, ids: RequestIds) -> Exchange:
        exchange = self._observation.began(request.method, request.path, request.query, headers.get)
        exchange.ids = ids
        exchange.client = _host(address)
        return exchange

    def _answer(
        self,
        request: Any,
        exchange: Exchange,
        status: int,
        own: str,
        body: bytes,
        headers: Headers,
        keep: bool,
    ) -> Answer:
        """Return an answer, and end the exchange with it."""
        ids = exchange.ids or read_ids(headers)
        if exchange.traceparent:
            own += "traceparent: {}\r\n".format(exchange.traceparent)
        data = self._written(request, status, own, body, headers, ids, keep)
        exchange.end()
        line = Line(self._log, request, exchange)
        tell = partial(self._observation.answered, exchange, status, len(body), line=line)
        return Answer(data, keep=keep, tell=tell)

    def _arguments(self, begun: Begun) -> Dict[str, Any]:
        if not self._script.schema:
            return {self._parameter: as_text(begun.body)}
        content_type = begun.headers.get("Content-Type", "")
        given = values_of(
            self._script.schema.typed,
            content_type.partition(";")[0].strip().lower(),
            lambda: begun.body,
            is_json=is_json(content_type),
        )
        return by_name(self._script, given)


def _host(address: Any) -> str:
    if isinstance(address, tuple):
        return str(address[0])
    return address.decode() if isinstance(address, bytes) else str(address)
