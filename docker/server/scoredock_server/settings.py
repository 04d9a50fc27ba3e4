"""The settings of the server: one table, read from the process environment."""

import os
from typing import Dict, List, Mapping, NamedTuple, Optional

from scoredock_server import __version__
from scoredock_server.cors import Origins
from scoredock_server.operation_settings import ACCESS, OBSERVATION
from scoredock_server.setting_kinds import (
    Kind,
    Setting,
    SettingError,
    address,
    choice,
    exactly_true,
    integer,
    percent,
    port_number,
    switch,
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
    worker_timeout: int
    worker_preload: bool
    scoring_timeout_ms: int
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
    Setting("Processes", "worker_timeout", "WORKER_TIMEOUT", integer(0), "300",
            "Seconds after which a worker that is still busy with one request is replaced; 0 is"
            " never.", status=2),
    Setting("Processes", "worker_preload", "WORKER_PRELOAD", switch, "false",
            "Load the script and run init() once, before the workers are forked from it."),
    Setting("Processes", "scoring_timeout_ms", "SCORING_TIMEOUT_MS", integer(0), "3600000",
            "Milliseconds that run() may take; then the answer is a 500 and the worker goes on. 0"
            " is no limit."),
    Setting("Answers", "compatibility", "SCOREDOCK_COMPATIBILITY",
            choice("reference", "improved"), "reference",
            "Answer as azureml-inference-server-http 1.5.1 does, or set the defaults of the"
            " next three to what serves clients best."),
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
    Setting("Data collection", "collect_dir", "SCOREDOCK_COLLECT_DIR", text, "",
            "The folder for what ModelDataCollector and Collector collect, as JSON Lines. Empty:"
            " nothing is kept."),
    Setting("Data collection", "collect_sample_percent", "SCOREDOCK_COLLECT_SAMPLE_PERCENT",
            percent, "100", "How many of 100 requests are collected."),
    Setting("Data collection", "collect_max_mb", "SCOREDOCK_COLLECT_MAX_MB", integer(1), "100",
            "Megabytes (of 1,000,000 bytes) of a collection's file after which a new one begins."),
    Setting("Data collection", "collect_files", "SCOREDOCK_COLLECT_FILES", integer(0), "10",
            "How many full files of a collection are kept beside the current one."),
    Setting("Development", "watch", "SCOREDOCK_WATCH", switch, "false",
            "Load the script anew when a Python file in its folders changes, or the configuration"
            " file; what cannot be loaded changes nothing."),
    Setting("Development", "debug_bind", "SCOREDOCK_DEBUG_BIND", address, "",
            "Let debugpy listen here for a debugger, before the script is loaded: with one worker,"
            " and without WORKER_TIMEOUT and SCORING_TIMEOUT_MS. Who reaches it can run anything."),
    Setting("Development", "debug_wait", "SCOREDOCK_DEBUG_WAIT", switch, "false",
            "Load the script once a debugger has come to SCOREDOCK_DEBUG_BIND: for breakpoints in"
            " init()."),
    Setting("Development", "debugpy", "SCOREDOCK_DEBUGPY", text, "",
            "The folder that holds the package debugpy, where the environment has none."),
    Setting("Development", "debug_port", "AZUREML_DEBUG_PORT", port_number, "",
            "Before the script is loaded, connect debugpy to the debugger that listens on this port"
            " of the loopback interface and wait for it."),
]  # fmt: skip

# Settings of the reference server that mean nothing without a cloud account, and its flags.
WITHOUT_EFFECT = {
    "AML_APP_INSIGHTS_ENABLED": "--appinsights-instrumentation-key",
    "AML_APP_INSIGHTS_KEY": "",
    "APP_INSIGHTS_LOG_RESPONSE_ENABLED": "",
    "AML_MDC_STORAGE_ENABLED": "",
    "AML_MODEL_DC_STORAGE_ENABLED": "",
    "AML_DBG_MODEL_INFO": "",
    "AML_DBG_RESOURCE_INFO": "",
    "WORKSPACE_NAME": "",
    "TRANSPORT_PROTOCOL": "--rest",
}


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
    if values["debug_bind"]:  # nothing may end what stands at a breakpoint
        values.update(worker_count=1, worker_preload=False, worker_timeout=0, scoring_timeout_ms=0)
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
