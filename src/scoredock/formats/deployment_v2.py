"""A v2 deployment, or an endpoint of the previews with one in it: environment, code and model."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from scoredock.errors import SpecError
from scoredock.formats.document import Document, read_document
from scoredock.formats.environment_v2 import environment_v2
from scoredock.formats.reading import Findings, Reading, Told
from scoredock.formats.spelling import Shape, respell, respelling_warning, squashed
from scoredock.spec import EnvironmentSpec, joined

_SHAPE: Final[Shape] = {
    "environment": {},
    "environment_variables": {},
    "model": {},
    "code_configuration": {},
    "request_settings": {
        "request_timeout_ms": {},
        "max_concurrent_requests_per_instance": {},
        "max_queue_wait_ms": {},
    },
    "liveness_probe": {"initial_delay": {}},
    "deployments": {},
    "mini_batch_size": {},
    "settings": {},
}
_SAVE: Final = (
    "an environment of the cloud is not fetched: save it with `az ml environment show --output "
    "yaml`, and name its image and conda_file here"
)


def read_deployment_v2(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read the environment of a deployment, and where its code and model lie."""
    data, path = document.data, ""
    if _is_endpoint(data) and not data.get("deployments"):
        raise SpecError(
            "an endpoint, which has no environment",
            path=document.label,
            hint="name the file of its deployment",
        )
    if data.get("deployments"):
        data, path = _only_deployment(data["deployments"], document)
    data, written = respell(data, _SHAPE)
    findings.warnings += respelling_warning(document.label, written)
    whole = joined(f"{document.label}: ", path) if path else f"{document.label}: "
    environment = data.get("environment")
    inner = f"{path}.environment" if path else "environment"
    if isinstance(environment, str) and environment.startswith("file:"):
        environment = read_document(document.beside(environment[5:])).data
    if isinstance(environment, dict) and _stands_alone(environment):
        spec, told, build_context = environment_v2(environment, document, findings, path=inner)
    else:
        raise _no_environment(environment, data, joined(whole, "environment"), document)
    if told.settings and told.settings.get("scoring route") not in (None, ":5001/score"):
        findings.warnings.append(
            f"{joined(whole, 'environment.inference_config')}: the image brings a server of its "
            "own; scoredock serves an entry script with its own server, at /score"
        )
    spec = _with_variables(spec, data, joined(whole, "environment_variables"))
    if "mini_batch_size" in data or isinstance(data.get("settings"), dict):
        findings.warnings.append(
            f"{whole.removesuffix(': ')}: a batch deployment: scoredock serves its environment, "
            "but run() gets requests there, not mini-batches"
        )
    return Reading(
        spec=spec,
        form="v2 deployment",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        told=_told(data, told, document),
        build_context=build_context,
    )


def _is_endpoint(data: dict[str, Any]) -> bool:
    keys = {squashed(key) for key in data}
    return "endpoint.schema" in str(data.get("$schema", "")).lower() or (
        "authmode" in keys and "environment" not in keys
    )


def _only_deployment(deployments: Any, document: Document) -> tuple[dict[str, Any], str]:
    found = deployments if isinstance(deployments, list) else []
    if len(found) != 1 or not isinstance(found[0], dict):
        raise SpecError(
            f"expected one deployment, found {len(found)}",
            path=f"{document.label}: deployments",
            hint="write the one to serve into a file of its own",
        )
    return found[0], "deployments[0]"


def _stands_alone(environment: dict[str, Any]) -> bool:
    """Tell an environment from `{name: …, version: …}`, which names one of the cloud."""
    return bool(environment.keys() - {"name", "version"})


def _no_environment(
    environment: Any, data: dict[str, Any], place: str, document: Document
) -> SpecError:
    if environment is None:
        model = data.get("model")
        hint = "name an image and a conda_file, or pass the folder of the MLflow model"
        if isinstance(model, dict) and model.get("path"):
            hint += f", {document.beside(str(model['path']))} if it is one"
        return SpecError("expected an environment, found none", path=place, hint=hint)
    if isinstance(environment, str | dict):
        name = environment if isinstance(environment, str) else environment.get("name")
        return SpecError(f"names {name!r}, an environment of the cloud", path=place, hint=_SAVE)
    return SpecError(f"expected an environment, found {type(environment).__name__}", path=place)


def _with_variables(spec: EnvironmentSpec, data: dict[str, Any], place: str) -> EnvironmentSpec:
    variables = data.get("environment_variables")
    if variables is None:
        return spec
    if not isinstance(variables, dict):
        raise SpecError(f"expected object, found {type(variables).__name__}", path=place)
    for name, value in variables.items():
        if not isinstance(value, str | int | float | bool | None):
            raise SpecError(
                f"expected text, found {type(value).__name__}", path=joined(place, name)
            )
    merged = {**(spec.environment_variables or {}), **variables}
    changed = spec.model_copy(update={"environment_variables": merged})
    return changed.found_at(
        {f"environmentVariables.{name}": joined(place, name) for name in variables}
    )


def _told(data: dict[str, Any], told: Told, document: Document) -> Told:
    code = data.get("code_configuration")
    source = script = model = ""
    if isinstance(code, dict):
        source, script = _path(code.get("code"), document), str(code.get("scoring_script") or "")
    settings = dict(told.settings)
    if isinstance(data.get("model"), dict):
        model = _path(data["model"].get("path") or data["model"].get("local_path"), document)
    elif data.get("model"):
        settings["model of the cloud"] = str(data["model"])
    for section, key, name in (
        ("request_settings", "request_timeout_ms", "request timeout in ms (SCORING_TIMEOUT_MS)"),
        (
            "request_settings",
            "max_concurrent_requests_per_instance",
            "concurrent requests (WORKER_COUNT)",
        ),
        ("liveness_probe", "initial_delay", "seconds before the first probe (START_PERIOD)"),
    ):
        values = data.get(section)
        if isinstance(values, dict) and values.get(key) is not None:
            settings[name] = str(values[key])
    return replace(told, entry_script=script, source=source, model=model, settings=settings)


def _path(value: Any, document: Document) -> str:
    """Return a path beside the document; previews wrote `{local_path: …}`."""
    if isinstance(value, dict):
        value = value.get("local_path") or value.get("path")
    if not isinstance(value, str) or value.startswith("azureml:") or "://" in value:
        return ""
    return str(Path(document.beside(value)))
