"""The WSGI application: what gunicorn loads in each worker."""

import json
import logging
import os
import sys
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from scoredock_server.entry_script import EntryScript, EntryScriptError, load_entry_script
from scoredock_server.model_dir import find_model_dir, list_files
from scoredock_server.settings import read_settings

# gunicorn's arbiter stops with this status when a worker that has not booted ends with it.
BOOT_FAILED = 3

log = logging.getLogger("gunicorn.error")


def create_app() -> Flask:
    """Load the entry script, run its init() and return the application that serves run().

    A script that cannot be loaded or whose init() fails ends the worker, and with it the server,
    with exit status 3 and its traceback on standard error.
    """
    settings = read_settings(os.environ)
    models = os.path.join(settings.app_root, "azureml-models")
    os.environ.setdefault("AZUREML_MODEL_DIR", find_model_dir(models))
    try:
        script = load_entry_script(settings)
        script.init()
    except EntryScriptError as error:
        log.error("entry script: %s", error)
        sys.exit(BOOT_FAILED)
    except BaseException:
        # BaseException: a script that calls sys.exit(0) has not started either.
        model_dir = os.environ["AZUREML_MODEL_DIR"]
        log.exception("entry script %s: loading it or its init() failed", settings.entry_script)
        log.error("AZUREML_MODEL_DIR=%s holds %s", model_dir, list_files(model_dir) or "nothing")
        sys.exit(BOOT_FAILED)
    log.info("entry script %s: ready", settings.entry_script)
    return _routes(script)


def _routes(script: EntryScript) -> Flask:
    app = Flask("scoredock_server", static_folder=None)

    @app.route("/", methods=["GET"])
    def live() -> str:
        return "Healthy"

    @app.route("/score", methods=["POST"])
    def score() -> Response:
        try:
            raw_data = request.get_data().decode("utf-8")
        except UnicodeDecodeError as error:
            return _error(400, "Input cannot be decoded as UTF-8: {}".format(error))
        try:
            result = script.run(raw_data)
        except Exception:
            log.exception("entry script: run() failed")
            return _error(
                500,
                "An unexpected error occurred in scoring script. Check the logs for more info.",
            )
        try:
            return _json(200, result)
        except (TypeError, ValueError):
            log.exception("entry script: what run() returned is not JSON")
            return _error(
                500, "An unexpected internal error occurred. Check the logs for more info."
            )

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return _error(error.code or 500, error.description or error.name)

    return app


def _error(status: int, message: str) -> Response:
    return _json(status, {"message": message})


def _json(status: int, value: Any) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
