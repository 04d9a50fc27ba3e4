import sys
from typing import Any

import click

from scoredock import development, service
from scoredock.deployment import context_folder, deployment, plan, with_edits
from scoredock.engine import RuntimeChoice, choose_runtime
from scoredock.following import follow_until_stopped
from scoredock.options import (
    DEVELOPMENT,
    EDITED,
    IMAGE,
    LOCKED,
    RUNTIME,
    SERVICE,
    SPEC,
    with_options,
)
from scoredock.output import note, progress, warn
from scoredock.paths import state
from scoredock.spec import CONDA_FILE


@click.command()
@with_options(SPEC, IMAGE, EDITED, [LOCKED], SERVICE, [RUNTIME], DEVELOPMENT)
def up(verbose: bool, runtime: RuntimeChoice, locked: bool, **values: Any) -> None:
    """Build, start the service and return once it answers.

    With Docker: the stack of compose.yaml. Without: the same server in a virtual environment on
    this machine. A second call takes over what changed. Prints the scoring URL.
    """
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=note)
    chosen = choose_runtime(runtime, note=note)
    lock = None
    if locked:
        from scoredock import locking  # for a lock alone

        find = locking.usable_lock if chosen == "docker" else locking.lock_for_process
        lock = find(wanted, planned)
    if chosen == "docker":
        context = context_folder(planned.code)
        planned = with_edits(wanted, planned, context=context, warn=warn, note=note)
    else:
        # Of what is rendered the process runtime uses this alone.
        names = [CONDA_FILE]
        planned = with_edits(wanted, planned, context=None, names=names, warn=warn, note=note)
    next_step = ""
    if wanted.debug:
        name = planned.code.source_name
        root = "/var/azureml-app" if chosen == "docker" else str(state("azureml-app"))
        next_step = development.prepare_editor(
            name, port=wanted.debug_port, source=wanted.source.resolve(), remote=f"{root}/{name}"
        )
    if wanted.debug_wait:
        note(f"once it waits for that, {next_step}")
    with progress("working") as report:
        if chosen == "docker":
            started = service.up_docker(wanted, planned, report=report, verbose=verbose, lock=lock)
        else:
            started = service.up_process(wanted, planned, report=report, lock=lock)
    print(f"==> serving in the {started.runtime} runtime: {started.what}", file=sys.stderr)
    if wanted.debug and not wanted.debug_wait:
        print(f"==> {next_step}", file=sys.stderr)
    print(started.scoring_uri, flush=True)
    if wanted.watch:
        follow_until_stopped(started.runtime)
