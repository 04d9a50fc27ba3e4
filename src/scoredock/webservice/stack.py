"""The compose project of a service: the port's holder, and a container for each server.

Pure. The containers are those of compose.yaml, with its limits, and differ only in where their
image, code, models and port come from: the port is held by a container of its own, because two
containers cannot publish one, and an update needs both the old and the new one for a while.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from scoredock.debugger import DEBUG_PORT, MOUNTED
from scoredock.webservice.record import Revision, ServiceRecord

HOLDER: Final = "port"
_APP_ROOT: Final = "/var/azureml-app"
_PORT: Final = 5001
_RUN: Final = "/run/scoredock"
_ACCESS: Final = "/run/secrets/scoredock"
# Replaced below, or of a container that publishes its port itself.
_OWN: Final = {"extends", "image", "build", "ports", "environment", "volumes", "healthcheck"}


def service_of(server: int) -> str:
    """Return the name that a server's container has in compose."""
    return f"scoring-{server}"


def reload_socket(server: int) -> str:
    """Return the path in its container at which a server is asked to load its code anew."""
    return f"{_RUN}/reload-{server}.sock"


def stack(
    record: ServiceRecord,
    revisions: Iterable[Revision],
    *,
    shipped: Mapping[str, Any],
    code: Mapping[int, Path],
    workspace: str,
) -> str:
    """Return the text of the compose file, in JSON, which YAML holds.

    `shipped` is the service of compose.yaml, `code` what the server of each
    revision has as its code.
    """
    limits = {key: value for key, value in shipped.items() if key not in _OWN}
    labels = {"scoredock.service": record.name, "scoredock.workspace": workspace}
    services = {HOLDER: _holder(record, limits, labels)}
    for each in revisions:
        services[service_of(each.server_number)] = _scoring(
            each, record, limits, shipped["healthcheck"], code[each.number], labels
        )
    model = {
        "name": record.name,
        "services": services,
        # In memory, and the service's own user may write there.
        "volumes": {
            HOLDER: {
                "driver": "local",
                "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "uid=1000,mode=0700"},
            }
        },
    }
    return json.dumps(_escaped(model), indent=1, ensure_ascii=False) + "\n"


def _holder(
    record: ServiceRecord, limits: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, Any]:
    return {
        **limits,
        "image": record.holder,
        "entrypoint": [
            "python", "-m", "scoredock_server.handover", f"0.0.0.0:{_PORT}", f"{_RUN}/port.sock",
        ],
        "ports": [f"{record.bind}:{record.port}:{_PORT}"],
        "volumes": [f"{HOLDER}:{_RUN}"],
        "healthcheck": {"disable": True},
        "labels": dict(labels),
    }  # fmt: skip


def _scoring(
    revision: Revision,
    record: ServiceRecord,
    limits: Mapping[str, Any],
    healthcheck: Mapping[str, Any],
    code: Path,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    options = _merged(limits, revision.service_options)
    if revision.source_is_root:
        options["working_dir"] = f"{_APP_ROOT}/{script_folder(revision)}"
    given = options.pop("environment", {})
    volumes = options.pop("volumes", [])
    port = revision.debug_port
    published = {"ports": [f"127.0.0.1:{port}:{DEBUG_PORT}"]} if port else {}
    return {
        **options,
        "image": revision.environment,
        **published,
        "environment": {
            **given,
            **served_variables(revision, app_root=_APP_ROOT),
            "SCOREDOCK_BIND": f"127.0.0.1:{_PORT}",
            "SCOREDOCK_PORT_FROM": f"{_RUN}/port.sock",
            "SCOREDOCK_RELOAD_SOCKET": reload_socket(revision.server_number),
            **access_variables(record, keys=f"{_ACCESS}/keys"),
            **debug_variables(revision, bind=f"0.0.0.0:{DEBUG_PORT}", folder=MOUNTED),
        },
        "volumes": [
            *volumes,
            f"{HOLDER}:{_RUN}",
            _mounted(str(code), f"{_APP_ROOT}/{revision.source_name}"),
            *_model_mounts(revision),
            # The folder, so that a file that takes the place of another is seen.
            *([_mounted(str(Path(record.key_file).parent), _ACCESS)] if record.key_file else []),
            *([_mounted(revision.debugpy, MOUNTED)] if port else []),
        ],
        "healthcheck": {
            **healthcheck,
            "start_period": revision.start_period,
            # An update waits for this, and nobody for anything else.
            "start_interval": "300ms",
            # What stands at a breakpoint does not answer, and is not ill.
            **({"retries": 1000000} if port else {}),
        },
        "labels": {**labels, "scoredock.server": str(revision.server_number)},
    }


def debug_variables(revision: Revision, *, bind: str, folder: str) -> dict[str, str]:
    """Return the server's settings for a debugger, where one is to be let in."""
    if not revision.debug_port:
        return {}
    return {"SCOREDOCK_DEBUG_BIND": bind, "SCOREDOCK_DEBUGPY": folder}


def access_variables(record: ServiceRecord, *, keys: str) -> dict[str, str]:
    """Return what the server has to know of who reaches it, and with which keys."""
    variables = {"SCOREDOCK_PUBLISHED_ON": record.bind}
    return variables | ({"SCOREDOCK_KEY_FILE": keys} if record.key_file else {})


def _merged(limits: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what compose's `extends` would make of both: lists are joined, the rest replaced."""
    joined = {
        key: [*limits[key], *value]
        for key, value in options.items()
        if isinstance(value, list) and key in limits
    }
    return {**limits, **options, **joined}


def contract_variables(revision: Revision, *, app_root: str) -> dict[str, str]:
    """Return what the container contract sets for code and models below `app_root`."""
    models = f"{app_root}/azureml-models"
    if len(revision.models) == 1:
        [model] = revision.models
        models = f"{models}/{model.name}/{model.version}"
    script = PurePosixPath(revision.source_name, revision.entry_script)
    code = {
        "AZUREML_SOURCE_DIRECTORY": revision.source_name,
        "AZUREML_ENTRY_SCRIPT": str(script),
    }
    if revision.source_is_root:
        code = {
            "AML_APP_ROOT": f"{app_root}/{script.parent}",
            "AZUREML_SOURCE_DIRECTORY": "",
            "AZUREML_ENTRY_SCRIPT": script.name,
        }
    return {
        **code,
        "AZUREML_MODEL_DIR": models,
        "SCOREDOCK_MODEL_MANIFESTS": f"{app_root}/model-manifests",
    }


def served_variables(revision: Revision, *, app_root: str) -> dict[str, str]:
    """Return the variables of the service and of the contract, which wins, but not in v2."""
    contract = contract_variables(revision, app_root=app_root)
    if revision.source_is_root:
        return {**contract, **revision.variables}
    return {**revision.variables, **contract}


def script_folder(revision: Revision) -> str:
    """Return the folder of the entry script, relative to the container's own."""
    return str(PurePosixPath(revision.source_name, revision.entry_script).parent)


def _model_mounts(revision: Revision) -> list[dict[str, Any]]:
    mounts = []
    for model in revision.models:
        place = f"{model.name}/{model.version}"
        mounts.append(_mounted(model.folder, f"{_APP_ROOT}/azureml-models/{place}"))
        if model.manifest:
            target = f"{_APP_ROOT}/model-manifests/{place}.json"
            mounts.append(_mounted(model.manifest, target))
    return mounts


def _mounted(source: str, target: str) -> dict[str, Any]:
    bind = {"create_host_path": False}
    return {"type": "bind", "source": source, "target": target, "read_only": True, "bind": bind}


def _escaped(value: Any) -> Any:
    """Double each dollar sign: compose would take it for one of its variables."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list | tuple) else value
