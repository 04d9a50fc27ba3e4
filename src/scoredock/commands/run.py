from typing import Any

import click

from scoredock import direct
from scoredock.commands.prepared import PREPARED, prepared
from scoredock.options import with_options


@click.command()
@click.argument(
    "files", metavar="[FILE]...", nargs=-1,
    type=click.Path(exists=True, allow_dash=True, dir_okay=False),
)  # fmt: skip
@with_options(PREPARED)
def run(files: tuple[str, ...], **values: Any) -> None:
    """Score with the model directly, without Docker and without a port.

    Prints what run() answers to each FILE, one answer a line; the log goes to standard error.
    Without FILE, and for -, the request is read from standard input. The script is loaded, init()
    called and run() given its input as the server does it, in the environment of
    `up --runtime process`, which is made where it is not there.
    """
    direct.score(prepared(**values), files or ["-"])
