"""Which services mount a model: one that does would not start again without it."""

from pathlib import Path

from scoredock.models import Model
from scoredock.webservice.lifecycle import Services
from scoredock.webservice.record import ServiceError


def uses_of_model(workspace: Path, model: Model) -> list[str]:
    """Return a line for each service that serves a version, or that a rollback would let serve it.

    Raises ServiceError for a record that cannot be read.
    """
    services = Services(workspace)
    lines = []
    for name in services.names():
        record = services.get(name)
        for revision in record.revisions:
            if str(model.files_folder) not in [mounted.folder for mounted in revision.models]:
                continue
            if revision.number == record.current:
                lines.append(f"{name} serves it")
            elif revision.number == record.previous:
                lines.append(f"a rollback of {name} would serve it")
    return lines


def refuse_used(workspace: Path, model: Model) -> None:
    """Raise ServiceError, with the services' names, where a service mounts the version."""
    if lines := uses_of_model(workspace, model):
        raise ServiceError(
            f"{model.id} is in use: {', '.join(lines)}",
            hint="update or delete the service first; scoredock model delete --force insists",
        )
