"""`scoredock-server --check`: does this entry script load, and what was found?"""

import inspect
import json
import sys
from typing import MutableMapping

from scoredock_server import log
from scoredock_server.model_dir import list_files
from scoredock_server.service import Service, StartError, describe_input, start_service

_FILES_SHOWN = 20


def check(environ: MutableMapping[str, str]) -> int:
    """Load the script, run its init(), print what was found; return the exit status."""
    log.configure_plain(sys.stderr)
    try:
        service = start_service(environ)
    except StartError as error:
        sys.stderr.write("scoredock-server: the service would not start (see above)\n")
        return error.status
    sys.stdout.write(_report(service))
    return 0


def _report(service: Service) -> str:
    settings, script = service.settings, service.script
    files = list_files(settings.model_dir, limit=_FILES_SHOWN + 1)
    rows = [
        ("entry script", script.path),
        ("init()", "ran in {:.2f} s".format(service.init_seconds)),
        ("run()", "takes " + describe_input(script)),
    ]
    for name, value in script.parameters.items():
        rows.append(("", "{}: {}".format(name, _describe_parameter(service, name, value))))
    rows.append(("model folder", "{} (AZUREML_MODEL_DIR)".format(settings.model_dir)))
    rows.extend(("", name) for name in files[:_FILES_SHOWN] or ["holds no file"])
    if len(files) > _FILES_SHOWN:
        rows.append(("", "and more"))
    rows.append(("swagger", ", ".join(service.swagger.versions)))
    rows.append(("listens on", settings.bind))
    return "".join("{:<14} {}\n".format(label, text).rstrip(" ") for label, text in rows)


def _describe_parameter(service: Service, name: str, default: object) -> str:
    parts = []
    if service.script.schema:
        shape = service.script.schema.input.get("properties", {}).get(name)
        parts.append(json.dumps(shape) if shape else "any JSON value")
    required = default is inspect.Parameter.empty
    parts.append("required" if required else "default {!r}".format(default))
    return ", ".join(parts)
