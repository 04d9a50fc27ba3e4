import click

from scoredock import process, service
from scoredock.following import print_log
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
    print_log(runtime, follow=follow, tail=tail)
