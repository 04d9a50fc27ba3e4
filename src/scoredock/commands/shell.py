import os
import sys
from typing import Any

import click

from scoredock import direct
from scoredock.commands.prepared import PREPARED, prepared
from scoredock.options import with_options
from scoredock.output import note


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", metavar="[-- COMMAND [ARGUMENT]...]", nargs=-1)
@with_options(PREPARED)
def shell(command: tuple[str, ...], **values: Any) -> None:
    """Open a shell, or run one command, in the environment on this machine.

    \b
    PATH and the variables are those that the entry script sees, the folder is this one:
      scoredock shell
      scoredock shell -- python -c "import sklearn; print(sklearn.__version__)"

    The exit status is the command's.
    """
    found = prepared(**values)
    if not command:
        command = (os.environ.get("SHELL") or "/bin/sh",)
        note(f"a shell in {found.what}, {found.prefix}; exit leaves it")
    sys.stdout.flush()
    direct.become(found, command)
