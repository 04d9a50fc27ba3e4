import sys
from typing import Any

import click

from scoredock import service
from scoredock.deployment import context_folder, deployment, plan, with_edits
from scoredock.engine import choose_runtime
from scoredock.options import EDITED, IMAGE, RUNTIME, SERVICE, SPEC, with_options
from scoredock.output import note, progress, warn
from scoredock.spec import CONDA_FILE


@click.command()
@with_options(SPEC, IMAGE, EDITED, SERVICE, [RUNTIME])
def up(verbose: bool, runtime: str, **values: Any) -> None:
    """Build, start the service and return once it answers.

    With Docker: the stack of compose.yaml. Without: the same server in a virtual environment on
    this machine. A second call takes over what changed. Prints the scoring URL.
    """
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=note)
    runtime = choose_runtime(runtime, note=note)
    if runtime == "docker":
        context = context_folder(planned.code)
        planned = with_edits(wanted, planned, context=context, warn=warn, note=note)
    else:
        # Of what is rendered the process runtime uses this alone.
        names = [CONDA_FILE]
        planned = with_edits(wanted, planned, context=None, names=names, warn=warn, note=note)
    with progress("working") as report:
        if runtime == "docker":
            started = service.up_docker(wanted, planned, report=report, verbose=verbose)
        else:
            started = service.up_process(wanted, planned, report=report)
    print(f"==> serving in the {started.runtime} runtime: {started.what}", file=sys.stderr)
    print(started.scoring_uri, flush=True)
