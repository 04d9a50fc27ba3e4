"""The settings of the server: one table, read from the process environment."""

import os
from typing import Dict, List, Mapping, NamedTuple, Optional

from scoredock_server import __version__
from scoredock_server.cors import Origins
from scoredock_server.operation_settings import ACCESS, COLLECTION, DEVELOPMENT, OBSERVATION
from scoredock_server.setting_kinds import (
    Kind,
    Setting,
    SettingError,
    address,
    choice,
    exactly_true,
    integer,
    port_number,
    switch,
    switch_or_auto,
    text,
)

origins = Kind("list", Origins, nothing=Origins(""))


class Settings(NamedTuple):
    """What the table below reads, by the names of its rows; paths as they were given."""

    app_root: str
    entry_script: str
    source_directory: str
    model_dir: str
    verify_models: bool
    model_manifests: str
    config_file: str
    bind: str
    port_from: str
    separate_health_endpoint: bool
    health_port: int
    cors_origins: Origins
    published_on: str
    key_file: str
    tls_certificate_file: str
    tls_key_file: str
    worker_count: int
    threads: int
    worker_timeout: int
    worker_preload: Optional[bool]
    reload: str
    reload_socket: str
    scoring_timeout_ms: int
    batch_limit: int
    max_body_mb: int
    head_timeout: int
    body_timeout: int
    queue_length: int
    fast_json: bool
    compatibility: str
    encode_results: bool
    nan_as_null: bool
    schema_errors_as_400: bool
    full_error_headers: bool
    send_server_version: bool
    server_version: str
    service_name: str
    service_version: str
    service_path_prefix: str
    log_level: str
    log_format: str
    log_queries: bool
    metrics: bool
    otlp_endpoint: str
    collect_dir: str
    collect_sample_percent: float
    collect_max_mb: int
    collect_files: int
    watch: bool
    debug_bind: str
    debug_wait: bool
    debugpy: str
    debug_port: int

    @property
    def source_folder(self) -> str:
        """Where the source directory is: an absolute path."""
        return os.path.join(self.app_root, self.source_directory)

    @property
    def script_path(self) -> str:
        """The absolute path of the entry script."""
        return os.path.join(self.app_root, self.entry_script)

    def find_file(self, name: str) -> Optional[str]:
        """Return the path of the file in the root, else beside the entry script, else None."""
        for folder in (self.app_root, os.path.dirname(self.script_path)):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
        return None


SETTINGS: List[Setting] = [
    Setting("Where things are", "app_root", "AML_APP_ROOT", text, "",
            "Where relative paths start from; on sys.path. Empty: the working directory."),
    Setting("Where things are", "entry_script", "AZUREML_ENTRY_SCRIPT", text, "main.py",
            "The Python file with init() and run().", "--entry-script PATH"),
    Setting("Where things are", "source_directory", "AZUREML_SOURCE_DIRECTORY", text, "",
            "A folder in AML_APP_ROOT that is put on sys.path."),
    Setting("Where things are", "model_dir", "AZUREML_MODEL_DIR", text, "",
            "Where the entry script finds its model. Empty: the newest NAME/VERSION folder of"
            " AML_APP_ROOT/azureml-models where that holds one model, else azureml-models itself.",
            "--model-dir PATH"),
    Setting("Where things are", "verify_models", "SCOREDOCK_VERIFY_MODELS", switch, "false",
            "Before the script is loaded, compare the sha256 of each file in"
            " AML_APP_ROOT/azureml-models, or without it in the azureml-models that"
            " AZUREML_MODEL_DIR lies in, with the manifest of its model; where one differs, the"
            " server does not start. Each worker does it."),
    Setting("Where things are", "model_manifests", "SCOREDOCK_MODEL_MANIFESTS", text,
            "model-manifests", "The folder of the manifests, NAME/VERSION.json, relative to"
            " AML_APP_ROOT: the manifest.json of each version in a workspace."),
    Setting("Where things are", "config_file", "AZUREML_CONFIG_FILE", text, "",
            "A JSON file with settings, by the names of this table; the environment wins over it."
            " Empty: config.json in AML_APP_ROOT, else beside the entry script, if there is one.",
            "--config-file PATH"),
    Setting("Listening", "bind", "SCOREDOCK_BIND", address, "0.0.0.0:5001",
            "Where to listen; [::]:5001 and unix:/run/scoring.sock work too.", "--bind ADDRESS",
            status=1),
    Setting("Listening", "port_from", "SCOREDOCK_PORT_FROM", text, "",
            "A Unix socket whose owner, `python -m scoredock_server.handover`, hands over a"
            " listening socket: requests are taken from it as well, beside the server that this one"
            " replaces."),
    Setting("Listening", "separate_health_endpoint", "SEPERATE_HEALTH_ENDPOINT", switch, "false",
            "Listen on HEALTH_PORT as well. The spelling is the reference server's."),
    Setting("Listening", "health_port", "HEALTH_PORT", port_number, "5000",
            "The second port, where SEPERATE_HEALTH_ENDPOINT is true.", "--health-port N",
            status=1),
    Setting("Listening", "cors_origins", "AML_CORS_ORIGINS", origins, "",
            "Comma-separated origins whose pages may read answers: * for all; an entry may be a"
            " regular expression. Empty: none.", "--access-control-allow-origins LIST"),
    *ACCESS,
    Setting("Processes", "worker_count", "WORKER_COUNT", integer(1), "1",
            "Worker processes; each loads the model and runs one request at a time.",
            "--worker-count N", status=1),
    Setting("Processes", "threads", "SCOREDOCK_THREADS", integer(1), "1",
            "Threads of each worker that answer requests; above 1 the worker is gunicorn's gthread."
            " run() still has one request at a time, unless the script says `thread_safe = True`."),
    Setting("Processes", "worker_timeout", "WORKER_TIMEOUT", integer(0), "300",
            "Seconds after which a worker that is still busy with one request is replaced; what"
            " waits in it is a 503 with Retry-After. 0 is never.", status=2),
    Setting("Processes", "worker_preload", "WORKER_PRELOAD", switch_or_auto, "false",
            "Load the script and run init() once, before the workers are forked from it: the model"
            " is in memory once. auto: where there are several workers, and init() leaves no thread"
            " running and nothing open; else each worker loads it.", improved="auto"),
    Setting("Processes", "reload", "SCOREDOCK_RELOAD", choice("signal", "watch"), "signal",
            "When the script, a newer model and the configuration file are loaded anew, by a server"
            " beside the one that serves: at SIGHUP, and with `watch`, for development, when one of"
            " them changes as well. What cannot be loaded changes nothing; /readyz tells of it."),
    Setting("Processes", "reload_socket", "SCOREDOCK_RELOAD_SOCKET", text, "",
            "A Unix socket. Who connects to it, as `python -m scoredock_server.reload` does, has"
            " the script loaded anew as by SIGHUP, and is told how that went."),
    Setting("Processes", "scoring_timeout_ms", "SCORING_TIMEOUT_MS", integer(0), "3600000",
            "Milliseconds that run() may take; then the answer is a 500 and the worker goes on. 0"
            " is no limit."),
    Setting("Processes", "batch_limit", "SCOREDOCK_BATCH_LIMIT", integer(1), "64",
            "How many requests that wait may be answered by one call of a script that takes several"
            " at once: with run_batch(), or a run() that accepts stacked rows. 1 is none."),
    Setting("Processes", "fast_json", "SCOREDOCK_FAST_JSON", switch, "true",
            "Let json.loads and json.dumps be served by orjson, where it is installed and its"
            " result is the json module's exactly: in the whole process, the script included."),
    Setting("Limits", "max_body_mb", "SCOREDOCK_MAX_BODY_MB", integer(0), "0",
            "Megabytes (of 1,000,000 bytes) that a request's body may have; more is a 413. 0 is no"
            " limit."),
    Setting("Limits", "head_timeout", "SCOREDOCK_HEAD_TIMEOUT", integer(1), "30",
            "Seconds within which a request's headers must come; else its connection is closed."),
    Setting("Limits", "body_timeout", "SCOREDOCK_BODY_TIMEOUT", integer(1), "60",
            "Seconds for which nothing of a request's body may come; then it is a 408."),
    Setting("Limits", "queue_length", "SCOREDOCK_QUEUE_LENGTH", integer(0), "1000",
            "How many requests may wait for a worker's run(); one more is a 503 with Retry-After. 0"
            " is no limit."),
    Setting("Answers", "compatibility", "SCOREDOCK_COMPATIBILITY",
            choice("reference", "improved"), "reference",
            "Answer as azureml-inference-server-http 1.5.1 does, or set the defaults that are"
            " called improved here to what serves clients best."),
    Setting("Answers", "encode_results", "SCOREDOCK_ENCODE_RESULTS", switch, "false",
            "Encode numpy, pandas, dates, bytes (Base64), dataclasses, sets, Decimal, UUID, Enum"
            " and paths in what run() returns, where the reference answers 500.", improved="true"),
    Setting("Answers", "schema_errors_as_400", "SCOREDOCK_SCHEMA_ERRORS_AS_400", switch, "false",
            "Answer 400 with the parameter's name, not 500, where a value does not fit the schema.",
            improved="true"),
    Setting("Answers", "full_error_headers", "SCOREDOCK_FULL_ERROR_HEADERS", switch, "false",
            "Send the correlation ids and the server version with 404 and 405 as well, and Allow"
            " with 405.", improved="true"),
    Setting("Answers", "nan_as_null", "SCOREDOCK_NAN_AS_NULL", switch, "false",
            "Write NaN and the infinities as null, which every JSON parser reads."),
    Setting("Answers", "send_server_version", "SERVER_VERSION_LOG_RESPONSE_ENABLED", exactly_true,
            "true", "Send x-ms-server-version. Any value but true, in any case, is false."),
    Setting("Answers", "server_version", "HTTP_X_MS_SERVER_VERSION", text,
            "scoredock-server/" + __version__, "The value of x-ms-server-version."),
    Setting("Swagger", "service_name", "SERVICE_NAME", text, "ML service",
            "The title in /swagger.json."),
    Setting("Swagger", "service_version", "SERVICE_VERSION", text, "1.0",
            "The version in /swagger.json."),
    Setting("Swagger", "service_path_prefix", "SERVICE_PATH_PREFIX", text, "",
            "What the paths in /swagger.json begin with, for a server behind a gateway."),
    Setting("Logging", "log_level", "AZUREML_LOG_LEVEL",
            choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO",
            "The least severe level that is written; the entry script's own loggers included."),
    *OBSERVATION,
    *COLLECTION,
    *DEVELOPMENT,
]  # fmt: skip


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that `environ` holds.

    An operator's SCOREDOCK_NAME wins over NAME, which the environment spec may set. Names count in
    any case where the exact one is missing. Raises SettingError.
    """
    folded = {name.upper(): value for name, value in environ.items()}
    folded.update(environ)
    improved = _value(_ROW["compatibility"], folded, "reference") == "improved"
    values: Dict[str, object] = {}
    for row in SETTINGS:
        fallback = row.improved if improved and row.improved is not None else row.default
        values[row.attribute] = _value(row, folded, fallback)
    values["app_root"] = os.path.abspath(str(values["app_root"]))
    values["watch"] = values["watch"] or values["reload"] == "watch"
    if values["debug_bind"]:  # nothing may end what stands at a breakpoint
        values.update(worker_count=1, threads=1, worker_preload=False)
        values.update(worker_timeout=0, scoring_timeout_ms=0)
    return Settings(**values)  # type: ignore[arg-type]


def _value(row: Setting, environ: Mapping[str, str], fallback: str) -> object:
    own = row.name if row.name.startswith("SCOREDOCK_") else "SCOREDOCK_" + row.name
    for name in (own, row.name):
        given = environ.get(name, "")
        if given or (name in environ and row.kind.empty_counts):
            try:
                return row.kind.read(given)
            except ValueError as error:
                raise SettingError(
                    "{}={!r}: {}".format(name, given, error), status=row.status
                ) from None
    return row.kind.read(fallback) if fallback else row.kind.nothing


_ROW = {row.attribute: row for row in SETTINGS}
