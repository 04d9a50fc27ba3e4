import sys
from typing import Any

import click

from scoredock import service
from scoredock.deployment import context_folder, deployment, plan, with_edits
from scoredock.engine import connect
from scoredock.errors import EngineError
from scoredock.options import EDITED, IMAGE, LOCKED, RUNTIME, SERVICE, SPEC, with_options
from scoredock.output import note, progress, warn
from scoredock.spec import CONDA_FILE


@click.command()
@with_options(SPEC, IMAGE, EDITED, [LOCKED], SERVICE, [RUNTIME])
def up(verbose: bool, runtime: str, locked: bool, **values: Any) -> None:
    """Build, start the service and return once it answers.

    With Docker: the stack of compose.yaml. Without: the same server in a virtual environment on
    this machine. A second call takes over what changed. Prints the scoring URL.
    """
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=note)
    runtime = _choose_runtime(runtime)
    lock = None
    if locked:
        from scoredock import locking  # for a lock alone

        find = locking.usable_lock if runtime == "docker" else locking.lock_for_process
        lock = find(wanted, planned)
    if runtime == "docker":
        context = context_folder(planned.code)
        planned = with_edits(wanted, planned, context=context, warn=warn, note=note)
    else:
        # Of what is rendered the process runtime uses this alone.
        names = [CONDA_FILE]
        planned = with_edits(wanted, planned, context=None, names=names, warn=warn, note=note)
    with progress("working") as report:
        if runtime == "docker":
            started = service.up_docker(wanted, planned, report=report, verbose=verbose, lock=lock)
        else:
            started = service.up_process(wanted, planned, report=report, lock=lock)
    print(f"==> serving in the {started.runtime} runtime: {started.what}", file=sys.stderr)
    print(started.scoring_uri, flush=True)


def _choose_runtime(runtime: str) -> str:
    if runtime != "auto":
        return runtime
    try:
        connect()
    except EngineError as error:
        note(
            f"{error}: serving in the process runtime, without Docker "
            "(scoredock doctor tells what to do about it)"
        )
        return "process"
    return "docker"
