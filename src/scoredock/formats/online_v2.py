"""A v2 online deployment, with the endpoint that it belongs to, as a service of this machine."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from scoredock.errors import SpecError
from scoredock.formats.assets_v2 import code_of, environment_of, models_of
from scoredock.formats.document import Document, refuse_placeholders
from scoredock.formats.service_reading import (
    Said,
    ServiceReading,
    number_of,
    object_of,
    place_of,
    start_period,
    text_of,
    texts_of,
)
from scoredock.formats.spelling import Shape, keys, respell, respelling_warning, squashed

# azure-ai-ml 1.35; what has no effect here stands in groups of its own.
_PROBE: Final = keys("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
_OF_THE_CLOUD: Final = (
    "type", "properties", "instance_type", "instance_count", "scale_settings", "resources",
    "app_insights_enabled", "egress_public_network_access", "private_network_connection",
    "data_collector", "model_mount_path", "readiness_probe", "startup_probe", "sku", "target",
)  # fmt: skip
_WAITING: Final = ("max_concurrent_requests_per_instance", "max_queue_wait_ms")
_DEPLOYMENT: Final[Shape] = {
    **keys(
        "$schema", "name", "endpoint_name", "description", "tags", "model", "environment",
        "environment_variables", *_OF_THE_CLOUD,
    ),
    "code_configuration": keys("code", "scoring_script"),
    "request_settings": keys("request_timeout_ms", *_WAITING),
    "liveness_probe": _PROBE,
}  # fmt: skip
_ENDPOINT_OF_THE_CLOUD: Final = (
    "type", "properties", "traffic", "mirror_traffic", "identity", "public_network_access",
    "compute", "kind", "location", "target",
)  # fmt: skip
_ENDPOINT: Final[Shape] = keys(
    "$schema", "name", "description", "tags", "auth_mode", "deployments", *_ENDPOINT_OF_THE_CLOUD
)


def is_endpoint(document: Document) -> bool:
    """Tell an endpoint from a deployment."""
    found = {squashed(key) for key in document.data}
    schema = str(document.data.get("$schema", "")).lower()
    return "endpoint.schema" in schema or (
        bool(found & {"authmode", "deployments"}) and "environment" not in found
    )


def inner_deployments(endpoint: Document) -> list[Document]:
    """Return the deployments that stand in an endpoint's own file, as in the previews."""
    found = endpoint.data.get("deployments") or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise SpecError("expected a list of deployments", path=place_of(endpoint, "deployments"))
    return [
        replace(endpoint, data=each, label=f"{endpoint.label}: deployments[{index}]", warnings=())
        for index, each in enumerate(found)
    ]


def read_online(
    document: Document, endpoint: Document | None, said: Said, *, given: Collection[str] = ()
) -> ServiceReading:
    """Read a deployment; of it `environment`, `source` and `models` are not read where `given`.

    Raises SpecError.
    """
    _refuse_batch(document)
    data = _respelt(document, _DEPLOYMENT, said)
    of_endpoint = _respelt(endpoint, _ENDPOINT, said) if endpoint else {}
    named = [(place_of(document, key), data.get(key)) for key in ("name", "endpoint_name", "model")]
    refuse_placeholders((place, text) for place, text in named if isinstance(text, str))
    source, script = (None, "") if "source" in given else code_of(data, document)
    name, name_place = _name(data, document, of_endpoint, endpoint)
    variables = texts_of(
        data.get("environment_variables"), place_of(document, "environment_variables")
    )
    timeout = _requests(data, document, said)
    said.no_effect(document.label, data, _OF_THE_CLOUD)
    if endpoint is not None:
        _say_of_endpoint(of_endpoint, endpoint, said)
    told = {**of_endpoint, **{key: data[key] for key in ("description", "tags") if data.get(key)}}
    probe = object_of(data.get("liveness_probe"), place_of(document, "liveness_probe"))
    return ServiceReading(
        label=document.label,
        name=name,
        name_place=name_place,
        environment=None if "environment" in given else environment_of(data, document),
        source=source,
        entry_script=script,
        source_is_root=True,
        models=None if "models" in given else models_of(data, document),
        variables={**timeout, **variables},
        start_period=start_period(probe, place_of(document, "liveness_probe"), said),
        description=text_of(told.get("description"), place_of(document, "description")),
        tags=texts_of(told.get("tags"), place_of(document, "tags")),
    )


def _refuse_batch(document: Document) -> None:
    data = document.data
    found = {squashed(key) for key in data}
    schema = str(data.get("$schema", "")).lower()
    if (
        "batch" in schema
        or found & {"minibatchsize", "component"}
        or str(data.get("type")).lower() in ("batch", "model", "pipeline")
    ):
        raise SpecError(
            "a batch deployment, and a service answers requests",
            path=document.label,
            hint="name the file of an online deployment",
        )


def _respelt(document: Document, shape: Shape, said: Said) -> dict[str, Any]:
    data, written = respell(document.data, shape)
    said.warnings += [*document.warnings, *respelling_warning(document.label, written)]
    for key in data.keys() - shape.keys():
        said.warnings.append(f"{document.label}: {key}: unknown key, ignored")
    found: dict[str, Any] = data
    return found


def _name(
    data: dict[str, Any], document: Document, of_endpoint: dict[str, Any], endpoint: Document | None
) -> tuple[str, str]:
    """Return what the service is called, `<endpoint>-<deployment>`, and what tells it."""
    place = place_of(document, "endpoint_name")
    of = text_of(data.get("endpoint_name"), place)
    if endpoint is not None:
        there = place_of(endpoint, "name")
        found = text_of(of_endpoint.get("name"), there)
        refuse_placeholders([(there, found)])
        if of and found and of != found:
            raise SpecError(
                f"expected the endpoint of {endpoint.label}, {found!r}, found {of!r}",
                path=place,
                hint="name the file of its own endpoint, or none",
            )
        of, place = of or found, place if of else there
    own = text_of(data.get("name"), place_of(document, "name"))
    name = f"{of}-{own}".lower().replace("_", "-") if of and own else ""
    return name, place


def _requests(data: dict[str, Any], document: Document, said: Said) -> dict[str, str]:
    place = place_of(document, "request_settings")
    settings = object_of(data.get("request_settings"), place)
    said.no_effect(place, settings, ("max_queue_wait_ms",))
    if settings.get("max_concurrent_requests_per_instance") is not None:
        said.notes.append(
            f"{place}.max_concurrent_requests_per_instance has no effect on this machine: requests "
            "wait for a worker; WORKER_COUNT in environment_variables says how many there are"
        )
    timeout = settings.get("request_timeout_ms")
    if timeout is None:
        return {}
    return {"SCORING_TIMEOUT_MS": str(number_of(timeout, f"{place}.request_timeout_ms"))}


def _say_of_endpoint(data: dict[str, Any], endpoint: Document, said: Said) -> None:
    if data.get("auth_mode"):
        said.no_key(place_of(endpoint, "auth_mode"))
    said.no_effect(endpoint.label, data, _ENDPOINT_OF_THE_CLOUD)
