"""v1's `inferenceconfig.json` and `deploymentconfig.json` as a service of this machine."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from scoredock.errors import SpecError
from scoredock.formats import read_as
from scoredock.formats.document import Document
from scoredock.formats.inference_config import read_inference_config
from scoredock.formats.service_reading import (
    Said,
    ServiceReading,
    number_of,
    object_of,
    path_of,
    place_of,
    start_period,
    text_of,
    texts_of,
)
from scoredock.formats.spelling import keys, respell, respelling_warning

_PLACES: Final = ("local", "aci", "aks")
# What ACI and AKS read (azureml-core 1.61); of the keys and certificates no value is ever shown.
_OF_THE_CLOUD: Final = (
    "containerResourceRequirements", "location", "sslEnabled",
    "sslCertificate", "sslKey", "cname", "dnsNameLabel", "appInsightsEnabled", "primaryKey",
    "secondaryKey", "autoScaler", "dataCollection", "maxConcurrentRequestsPerContainer",
    "maxQueueWaitMs", "numReplicas", "gpuCores", "namespace", "computeTargetName", "properties",
    "cmkVaultBaseUrl", "cmkKeyName", "cmkKeyVersion", "vnetName", "subnetName",
)  # fmt: skip
_SHAPE: Final = {
    **keys("computeType", "port", "scoringTimeoutMs", "tags", "description", "authEnabled",
        "tokenAuthEnabled", *_OF_THE_CLOUD),
    "livenessProbeRequirements": keys(
        "periodSeconds", "initialDelaySeconds", "timeoutSeconds", "successThreshold",
        "failureThreshold",
    ),
}  # fmt: skip
_CONFIG: Final = keys("entryScript", "sourceDirectory", "description")


def read_v1(
    document: Document, config: Document | None, said: Said, *, given: Collection[str] = ()
) -> ServiceReading:
    """Read an inference configuration and, if there is one, a deployment configuration.

    Of it `environment` and `source` are not read where `given`. Raises SpecError.
    """
    data, _ = respell(document.data, _CONFIG)
    source, script = (None, "") if "source" in given else _code(data, document)
    environment = None
    if "environment" not in given:
        reason = "it names an entry script"
        environment = read_as(read_inference_config, document, reason=reason)
    settings = _settings(config, said) if config is not None else {}
    description = text_of(data.get("description"), place_of(document, "description"))
    return ServiceReading(
        label=document.label,
        environment=environment,
        source=source,
        entry_script=script,
        **({"description": description or None} | settings),
    )


def _code(data: dict[str, Any], document: Document) -> tuple[Path | None, str]:
    """Return the source folder and the script in it; or the path of a script that has none."""
    place = place_of(document, "entryScript")
    script = text_of(data.get("entryScript"), place)
    if not script:
        raise SpecError(
            "expected an entry script, found none", path=place, hint='"entryScript": "score.py"'
        )
    there = place_of(document, "sourceDirectory")
    source = text_of(data.get("sourceDirectory"), there)
    path = path_of(document, source or script, there if source else place)
    return (path, script) if source else (None, str(path))


def _settings(config: Document, said: Said) -> dict[str, Any]:
    data, written = respell(config.data, _SHAPE)
    said.warnings += [*config.warnings, *respelling_warning(config.label, written)]
    for key in data.keys() - _SHAPE.keys():
        said.warnings.append(f"{config.label}: {key}: unknown key, ignored")
    place = place_of(config, "computeType")
    where = text_of(data.get("computeType"), place)
    if where.lower() not in _PLACES:
        raise SpecError(f"expected local, found {where or 'nothing'}", path=place)
    is_local = where.lower() == "local"
    if not is_local:
        said.notes.append(f"{place}: {where} is read as local: the service runs on this machine")
    said.no_effect(config.label, data, (*_OF_THE_CLOUD, *([] if is_local else ["port"])))
    for key in ("authEnabled", "tokenAuthEnabled"):
        if data.get(key):
            said.no_key(place_of(config, key))
    found: dict[str, Any] = {}
    port = data.get("port")
    if is_local and port is not None:
        place = place_of(config, "port")
        found["port"] = number_of(port, place)
        if not 1 <= found["port"] <= 65535:
            raise SpecError(f"expected a port from 1 to 65535, found {port}", path=place)
    if data.get("scoringTimeoutMs") is not None:
        timeout = number_of(data["scoringTimeoutMs"], place_of(config, "scoringTimeoutMs"))
        found["variables"] = {"SCORING_TIMEOUT_MS": str(timeout)}
    place = place_of(config, "livenessProbeRequirements")
    if probe := object_of(data.get("livenessProbeRequirements"), place):
        seconds = {
            "initial_delay": probe.get("initialDelaySeconds"),
            "period": probe.get("periodSeconds"),
            "failure_threshold": probe.get("failureThreshold"),
        }
        found["start_period"] = start_period(seconds, place, said)
    if data.get("description"):
        found["description"] = text_of(data["description"], place_of(config, "description"))
    if data.get("tags"):
        found["tags"] = texts_of(data["tags"], place_of(config, "tags"))
    return found
