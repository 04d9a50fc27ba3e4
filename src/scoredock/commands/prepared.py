"""What the commands have in common that work in an environment on this machine."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from scoredock import direct
from scoredock.deployment import deployment, plan, with_edits
from scoredock.options import EDITED, LOCKED, NETWORK, SERVICE_NAME, SPEC, WORKSPACE
from scoredock.output import note, progress, warn
from scoredock.spec import CONDA_FILE
from scoredock.workspace import find_workspace

PREPARED: list[Any] = [*SPEC, *NETWORK, *EDITED, LOCKED, SERVICE_NAME, WORKSPACE]


def prepared(
    *, service: str | None, workspace: Path | None, locked: bool, **values: Any
) -> direct.Prepared:
    """Return the environment that the options name, made where it is not there yet."""
    if service is not None:
        _refuse_others([*values, "locked"])
        return direct.of_service(find_workspace(workspace).folder, service)
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=note)
    lock = None
    if locked:
        from scoredock import locking  # for a lock alone

        lock = locking.lock_for_process(wanted, planned)
    planned = with_edits(wanted, planned, context=None, names=[CONDA_FILE], warn=warn, note=note)
    with progress("working") as report:
        return direct.prepare(wanted, planned, report=report, lock=lock)


def _refuse_others(names: list[str]) -> None:
    """Raise UsageError where --service and what it takes the place of are both given."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            given = name.replace("_", "-")
            raise click.UsageError(f"expected --service or --{given}, found both", context)
