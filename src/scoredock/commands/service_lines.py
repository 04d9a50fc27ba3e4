"""How the commands of services print what they found."""

from typing import Any

from scoredock.webservice.record import ServiceRecord


def service_data(record: ServiceRecord, state: str) -> dict[str, Any]:
    """Return a service as --json prints it."""
    serving = record.serving if record.current else None
    return {
        "name": record.name,
        "state": state,
        "scoring_uri": record.scoring_uri,
        "runtime": record.runtime,
        "revision": record.current,
        "previous": record.previous,
        "environment": serving.environment_name if serving else "",
        "image": serving.environment if serving else "",
        "entry_script": f"{serving.source_name}/{serving.entry_script}" if serving else "",
        "models": [f"{model.name}:{model.version}" for model in serving.models] if serving else [],
        # Their values may be secrets.
        "variables": sorted(serving.variables) if serving else [],
        "created": record.created,
        "updated": serving.created if serving else "",
        "description": record.description,
        "tags": dict(record.tags),
        "error": record.error,
    }


def service_row(record: ServiceRecord, state: str) -> tuple[str, ...]:
    """Return a service as `service list` prints it."""
    data = service_data(record, state)
    models = " ".join(data["models"])
    return (record.name, state, record.scoring_uri, f"revision {record.current}", models)
