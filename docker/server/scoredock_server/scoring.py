"""One request to /score: read the input, call run(), answer with what it returned."""

import asyncio
import inspect
import json
import threading
from contextlib import ExitStack
from typing import Any, Callable, ContextManager, Dict, NamedTuple, Optional

from flask import Request, Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from scoredock_server import log
from scoredock_server.deadline import ScoringTimeoutError, deadline
from scoredock_server.encoding import Encoding
from scoredock_server.entry_script import EntryScript
from scoredock_server.exchange import Exchange, current_ids
from scoredock_server.inputs import InputError, read_arguments
from scoredock_server.run_thread import Limiter
from scoredock_server.schema import unconvertible_parameter
from scoredock_server.script_response import UnsendableError, own_copy
from scoredock_server.settings import Settings

# Where a request that was scored before it came to Flask has its Scored, in its environ.
SCORED = "scoredock.scored"
FAILED = "x-ms-run-function-failed"
DURATION = "x-ms-run-fn-exec-ms"
SCRIPT_ERROR = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL_ERROR = "An unexpected internal error occurred. Check the logs for more info."


class RunError(Exception):
    """run() gave no result; `status` and the message are the answer."""

    def __init__(self, message: str, *, status: int = 500, failed: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.failed = failed

    def scored(self) -> "Scored":
        """Return the answer."""
        return Scored(self.status, error_text(str(self)), self.failed)


class Scored(NamedTuple):
    """What became of a request: the text of a JSON answer, or the `response` that run() made.

    `duration` is run()'s, in milliseconds; without it, the answer is an error.
    """

    status: int
    text: str
    failed: bool = False
    duration: Optional[str] = None
    response: Optional[AnyResponse] = None


class Scorer:
    """Answers requests with the entry script's run().

    `tell_call` is told how many requests a call answers, of a script that may be called for more.
    """

    def __init__(
        self, script: EntryScript, settings: Settings, tell_call: Callable[[int], None]
    ) -> None:
        self.tell_call = tell_call
        self._script = script
        self._settings = settings
        # Python 3.6 has no nullcontext.
        self._turn: ContextManager[Any] = ExitStack() if script.thread_safe else threading.Lock()
        milliseconds = settings.scoring_timeout_ms
        self._limiter = Limiter(milliseconds, settings.worker_timeout) if milliseconds else None
        self._encoding = Encoding(
            more_types=settings.encode_results, nan_as_null=settings.nan_as_null
        )

    def answer(self, request: Request) -> AnyResponse:
        """Return the response to a request, whatever the script does with it."""
        if request.method == "HEAD" and not self._script.rawhttp:
            return error_response("Method not allowed", 405)
        if request.method == "OPTIONS" and not self._script.rawhttp:
            response = Response()
            response.headers[FAILED] = "False"
            return response
        scored = request.environ.get(SCORED) or self.score(
            g.exchange, lambda: read_arguments(self._script, request)
        )
        answer: AnyResponse
        if scored.response is None:
            answer = json_response(scored.text, scored.status, failed=scored.failed)
        else:
            try:
                answer = _passed_on(scored.response)
            except RunError as error:
                return error_response(str(error), error.status, failed=error.failed)
        if scored.duration is not None:
            answer.headers.add(DURATION, scored.duration)
        return answer

    def score(self, exchange: Exchange, read: Callable[[], Dict[str, Any]]) -> Scored:
        """Call run() with the arguments that `read` returns."""
        try:
            arguments = read()
            if self._script.batch is not None:
                self.tell_call(1)
            with self._turn, exchange:
                result = self._run(arguments)
            return self.returned(exchange, result)
        except InputError as error:
            return Scored(error.status, error_text(str(error)))
        except RunError as error:
            return error.scored()

    def returned(self, exchange: Exchange, result: Any) -> Scored:
        """Return the answer that a result of run() is. Raises RunError."""
        duration = "{:.3f}".format((exchange.run_seconds or 0) * 1000)
        if isinstance(result, AnyResponse):
            return Scored(200, "", duration=duration, response=result)
        return Scored(200, self._encoded(result), duration=duration)

    def _run(self, arguments: Dict[str, Any]) -> Any:
        try:
            if self._limiter and threading.current_thread() is not threading.main_thread():
                return self._limiter.call(lambda: self._result(arguments))
            with deadline(self._settings.scoring_timeout_ms):
                return self._result(arguments)
        except ScoringTimeoutError as error:
            _log_exception("run() was stopped")
            raise RunError(str(error)) from None
        except Exception as error:
            name = unconvertible_parameter(error) if self._script.schema else None
            if name is not None and self._settings.schema_errors_as_400:
                raise _not_converted(name, error) from None
            _log_exception("run() failed")
            raise RunError(SCRIPT_ERROR) from None
        except BaseException:
            # sys.exit() in a script is no reason to lose the request; neither is the signal with
            # which gunicorn ends a worker that is over WORKER_TIMEOUT.
            _log_exception("run() was ended: by itself, by WORKER_TIMEOUT or with the server")
            raise RunError(SCRIPT_ERROR) from None

    def _result(self, arguments: Dict[str, Any]) -> Any:
        return awaited(self._script.run(**arguments))

    def _encoded(self, result: Any) -> str:
        try:
            return self._encoding.text(result)
        except Exception:  # a __str__ or a tolist() may raise anything
            hint = "" if self._encoding.more_types else _hint(result)
            _log_exception("what run() returned cannot be written as JSON" + hint)
            raise RunError(INTERNAL_ERROR, failed=False) from None


def _passed_on(response: AnyResponse) -> AnyResponse:
    try:
        own = own_copy(response, request.environ)
    except UnsendableError as error:
        log.server.error("run() returned a response with %s [%s]", error, current_ids())
        raise RunError(INTERNAL_ERROR, failed=False) from None
    if own.status_code >= 500:
        own.headers[FAILED] = "True"
    return own


def _hint(result: Any) -> str:
    try:
        Encoding(more_types=True).text(result)
    except Exception:
        return ""
    return "; SCOREDOCK_ENCODE_RESULTS=true encodes it"


def awaited(result: Any) -> Any:
    """Return what a script's function has returned, or what its coroutine returns."""
    if not inspect.iscoroutine(result):
        return result
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(result)
    finally:
        loop.close()


def _not_converted(name: str, error: BaseException) -> RunError:
    message = "The value of the '{}' parameter does not fit its schema: {}".format(
        name, _first_line(error)
    )
    return RunError(message, status=400, failed=False)


def _first_line(error: BaseException) -> str:
    try:
        lines = str(error).splitlines()
    except Exception:
        lines = []
    return lines[0] if lines else type(error).__name__


def _log_exception(what: str) -> None:
    log.server.exception("%s [%s]", what, current_ids())


def error_text(message: str) -> str:
    """Return the JSON body that every error has."""
    return json.dumps({"message": message})


def error_response(message: str, status: int, *, failed: bool = False) -> Response:
    """Return an error as a response."""
    return json_response(error_text(message), status, failed=failed)


def json_response(body: str, status: int, *, failed: bool = False) -> Response:
    """Return a response with a JSON body; `failed` says whether run() is to blame."""
    response = Response(body, status=status, mimetype="application/json")
    response.headers[FAILED] = str(failed)
    return response
