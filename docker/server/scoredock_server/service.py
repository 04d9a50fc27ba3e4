"""Start the service: settings, logging, the entry script and its init()."""

import logging
import os
import time
from typing import Mapping, MutableMapping, NamedTuple

from scoredock_server import debugger, fast_json, log, stand_ins
from scoredock_server.config_file import ConfigFile
from scoredock_server.entry_script import EntryScript, EntryScriptError, load_entry_script
from scoredock_server.model_check import ModelCheckError, check_models
from scoredock_server.model_dir import find_model_dir, list_files
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings, read_settings
from scoredock_server.swagger import Swagger, prepare_swagger
from scoredock_server.without_effect import WITHOUT_EFFECT


class StartError(Exception):
    """The service cannot start. The reason is in the log; `status` is the server's exit status."""

    def __init__(self, status: int = 3) -> None:
        super().__init__(status)
        self.status = status


class Service(NamedTuple):
    """A loaded entry script whose init() has run."""

    settings: Settings
    script: EntryScript
    swagger: Swagger
    init_seconds: float


def read_all_settings(environ: MutableMapping[str, str]) -> Settings:
    """Return the settings of the environment and the configuration file, and tell `environ` them.

    What the file sets and where the model lies is put into `environ`, for the entry script to
    read. Raises SettingError.
    """
    environ.update(ConfigFile(read_settings(environ)).missing_in(environ))
    settings = read_settings(environ)
    model_dir = settings.model_dir or find_model_dir(
        os.path.join(settings.app_root, "azureml-models")
    )
    environ.update(
        AML_APP_ROOT=settings.app_root,
        AZUREML_MODEL_DIR=model_dir,
        HEALTH_PORT=str(settings.health_port),
        SERVER_PORT=settings.bind.rpartition(":")[2],
        WORKER_COUNT=str(settings.worker_count),
    )
    return settings._replace(model_dir=model_dir)


def start_service(environ: MutableMapping[str, str], *, debugged: bool = False) -> Service:
    """Load the entry script and run its init(). Raises StartError, with the reason in the log.

    With `debugged` a debugger is let in before, where the settings say so.
    """
    try:
        settings = read_all_settings(environ)
        log.configure(settings)
    except SettingError as error:
        _explain(str(error))
        raise StartError(error.status) from None
    _note_what_does_nothing(settings, environ)
    stand_ins.install()
    if settings.fast_json:
        fast_json.install()
    log.capture_prints()
    try:
        debugger.connect(settings)
        if debugged:
            debugger.listen(settings)
        check_models(settings)
        script = load_entry_script(settings)
        log.user_script.info("Found user script at %s", script.path)
        log.user_script.info("run() takes %s", describe_input(script))
        if script.batch:
            log.user_script.info(
                "%s takes up to %s requests that wait", script.batch.name, settings.batch_limit
            )
        log.user_script.info("Invoking user's init function")
        began = time.perf_counter()
        script.init()
        init_seconds = time.perf_counter() - began
        # Word for word what the reference server writes: monitoring looks for it.
        log.user_script.info("Users's init has completed successfully")
        swagger = prepare_swagger(script.schema, settings)
    except (EntryScriptError, ModelCheckError, SettingError) as error:
        _explain(str(error))
        raise StartError from None
    except BaseException as error:
        # BaseException: a script that calls sys.exit(0) has not started either.
        log.user_script.exception("%s: loading it or its init() failed", settings.entry_script)
        if isinstance(error, ImportError):
            _explain(stand_ins.explain(error) or "")
        files = list_files(settings.model_dir)
        _explain("AZUREML_MODEL_DIR={} holds {}".format(settings.model_dir, files or "nothing"))
        raise StartError from None
    log.swagger.info("Swaggers are prepared for the following versions: %s", swagger.versions)
    return Service(settings, script, swagger, init_seconds)


def describe_input(script: EntryScript) -> str:
    """Return what run() is called with, in words."""
    first = next(iter(script.parameters))
    if script.rawhttp:
        taken = "the request as {}".format(first)
    elif script.schema:
        taken = "{} from a JSON object, by its schema".format(", ".join(script.parameters))
    else:
        taken = "the body's text as {}".format(first)
    return taken + (" and the request's headers" if script.wants_headers else "")


def _explain(message: str) -> None:
    if not message:
        return
    if not logging.getLogger().handlers:  # logging itself may be what could not be set up
        log.configure_plain()
    log.server.error(message)


def _note_what_does_nothing(settings: Settings, environ: Mapping[str, str]) -> None:
    config_file = ConfigFile(settings)
    if config_file.unknown:
        log.server.warning(
            "%s: unknown settings: %s (scoredock-server --settings lists them)",
            config_file.path,
            ", ".join(config_file.unknown),
        )
    named = sorted(set(WITHOUT_EFFECT) & set(environ))
    if named:
        log.server.info("%s: without effect here, as there is no cloud account", ", ".join(named))
