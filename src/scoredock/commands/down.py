import click

from scoredock import service
from scoredock.output import progress


@click.command()
def down() -> None:
    """Stop the service, in whichever runtime it runs.

    Images and environments are kept.
    """
    with progress("stopping"):
        stopped = service.down()
    print("\n".join(f"stopped {what}" for what in stopped) or "nothing was running")
