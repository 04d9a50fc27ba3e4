import os
import sys

import click

from scoredock import process, service
from scoredock.engine import connect, find_service
from scoredock.errors import ScoredockError
from scoredock.output import warn


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--tail", type=click.IntRange(0), help="Only the last N lines.", metavar="N")
def logs(follow: bool, tail: int | None) -> None:
    """Print what the service has logged."""
    runtime = service.running_runtime()
    if runtime is None and process.log_file().is_file():
        warn("no service runs here; this is the log of the last one in the process runtime")
        runtime = "process"
    if runtime == "process":
        command = ["tail", "-n", str(tail) if tail is not None else "+1", str(process.log_file())]
        os.execvp("tail", command[:1] + ["-f"] * follow + command[1:])  # noqa: S606
    # A service may say nothing for days.
    container = runtime and find_service(connect(timeout=10**7 if follow else 10))
    if not container:
        raise ScoredockError("no service runs here", hint="start one with scripts/up")
    for chunk in container.logs(
        stream=True, follow=follow, tail=tail if tail is not None else "all"
    ):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
