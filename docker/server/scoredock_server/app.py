"""The WSGI application: what gunicorn loads in each worker."""

import os
import sys
from typing import Any, NamedTuple, Optional

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from scoredock_server import log
from scoredock_server.access import CHALLENGE, REFUSED, Access
from scoredock_server.correlation import IdTooLongError, read_ids
from scoredock_server.exchange import Exchange, set_current
from scoredock_server.inputs import query_pairs
from scoredock_server.last_reload import ready_text
from scoredock_server.observation import METRICS_PATH, Observation
from scoredock_server.rawhttp import AMLRequest
from scoredock_server.scoring import INTERNAL_ERROR, Scorer, error_response, json_response
from scoredock_server.service import Service, StartError, start_service
from scoredock_server.setting_kinds import SettingError
from scoredock_server.swagger import SwaggerVersionError

TOO_LONG = "The request body must not exceed {} bytes."
_FRONT = "scoredock.front"
# What the environ of a request holds that was scored before it came here.
EXCHANGE = "scoredock.exchange"


class Front(NamedTuple):
    """What each request is answered with, by this application or before it."""

    service: Service
    access: Access
    observation: Observation


def front_of(app: Any) -> Optional[Front]:
    """Return the Front of an application; None where it is not one of ours."""
    found: Optional[Front] = getattr(app, "extensions", {}).get(_FRONT)
    return found


def create_app(*, debugged: bool = True) -> Flask:
    """Load the entry script, run its init() and return the application that serves run().

    What cannot start ends the worker, and with it the server, with a status other than 0 and the
    reason in the log. Without `debugged` no debugger is let in yet.
    """
    try:
        service = start_service(os.environ, debugged=debugged)
    except StartError as error:
        sys.exit(error.status)
    log.server.info("Scoring timeout is set to %s", service.settings.scoring_timeout_ms)
    try:
        app = application(service)
    except SettingError as error:
        log.server.error("%s", error)
        sys.exit(error.status)
    log.server.info("Worker with pid %s ready for serving traffic", os.getpid())
    return app


def application(service: Service) -> Flask:
    """Return the application with its three routes. Raises SettingError."""
    app = Flask("scoredock_server", static_folder=None)
    app.request_class = AMLRequest
    if service.settings.max_body_mb:
        app.config["MAX_CONTENT_LENGTH"] = service.settings.max_body_mb * 1000000
    front = Front(
        service,
        Access(service.settings),
        Observation(service.settings, init_seconds=service.init_seconds),
    )
    app.extensions[_FRONT] = front
    _add_routes(app, service, front.observation)
    _add_headers(app, front)
    _add_errors(app)
    return app


def _add_routes(app: Flask, service: Service, observation: Observation) -> None:
    scorer = Scorer(service.script, service.settings, observation.batch)

    @app.route("/", methods=["GET"])
    def live() -> str:
        return "Healthy"

    @app.route("/livez", methods=["GET"])
    def alive() -> Response:
        return Response("ok", mimetype="text/plain")

    @app.route("/readyz", methods=["GET"])
    def ready() -> Response:
        """Tell that it is ready; our worker tells when it is not."""
        return Response(ready_text(), mimetype="text/plain")

    @app.route("/score", methods=["GET", "POST", "OPTIONS"], provide_automatic_options=False)
    def score() -> AnyResponse:
        return scorer.answer(_current_request())

    @app.route("/swagger.json", methods=["GET"])
    def swagger() -> Response:
        try:
            document = service.swagger.document(_swagger_version())
        except SwaggerVersionError as error:
            return error_response(str(error), 404)
        return json_response(document, 200)

    if observation.metrics is not None:
        page = observation.metrics.page

        @app.route(METRICS_PATH, methods=["GET"])
        def metrics() -> Response:
            text, media_type = page()
            return Response(text, content_type=media_type)


def _swagger_version() -> str:
    return next((value for name, value in query_pairs(request) if name == "version"), "2")


def _current_request() -> Request:
    """Return the request itself: a script may hand it to another thread."""
    current: Any = request
    return current._get_current_object()  # type: ignore[no-any-return]


def _begun(observation: Observation) -> Exchange:
    exchange = observation.began(
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        request.headers.get,
    )
    exchange.client = request.remote_addr
    exchange.received = request.content_length
    exchange.ids = read_ids(request.headers)
    return exchange


def _add_headers(app: Flask, front: Front) -> None:
    service, access, observation = front
    settings = service.settings

    @app.before_request
    def begin() -> Optional[Response]:
        g.exchange = request.environ.get(EXCHANGE) or _begun(observation)
        set_current(g.exchange)
        g.ids = g.exchange.ids
        if request.routing_exception is not None and not settings.full_error_headers:
            return None
        try:
            g.ids.check()
        except IdTooLongError as error:
            g.ids = g.exchange.ids = g.ids.that_fit()
            return error_response(str(error), 431)
        most = settings.max_body_mb * 1000000
        if most and (request.content_length or 0) > most:
            return error_response(TOO_LONG.format(most), 413)
        return None

    @app.before_request
    def ask_for_a_key() -> Optional[Response]:
        if access.allows(request.path, request.headers.get("Authorization")):
            return None
        # A browser asks without the key whether it may send one; a @rawhttp script would run.
        if request.method == "OPTIONS" and not service.script.rawhttp:
            return None
        refusal = error_response(REFUSED, 401)
        refusal.headers["WWW-Authenticate"] = CHALLENGE
        return refusal

    @app.after_request
    def add_headers(response: AnyResponse) -> AnyResponse:
        routed = request.routing_exception is None
        if routed or settings.full_error_headers:
            if settings.send_server_version:
                response.headers.add("x-ms-server-version", settings.server_version)
            response.headers.update(g.ids.headers())
        if routed:
            response.headers.update(settings.cors_origins.headers(request.headers, request.method))
        elif not settings.full_error_headers:
            response.headers.pop("Allow", None)
        if g.exchange.traceparent:
            response.headers["traceparent"] = g.exchange.traceparent
        observation.answered(
            g.exchange,
            response.status_code,
            _length(response),
            # As the reference server has it, where the access log has a line for these.
            is_logged=settings.log_format == "json" or (routed and response.status_code != 431),
        )
        set_current(None)
        return response


def _length(response: AnyResponse) -> Optional[int]:
    # Of what is there already: asking a stream for its length would wait for its end.
    return response.calculate_content_length() if response.is_sequence else None


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> AnyResponse:
        answer = error_response(error.description or error.name, error.code or 500)
        if isinstance(error, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or []))
        return answer

    @app.errorhandler(Exception)
    def unexpected(_error: Exception) -> AnyResponse:
        log.server.exception("this is a fault of the server [%s]", g.get("ids"))
        return error_response(INTERNAL_ERROR, 500)
