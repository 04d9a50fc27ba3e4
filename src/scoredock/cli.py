"""The command line: finds a command, runs it, and turns errors into lines and exit codes."""

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from scoredock import __version__
from scoredock.commands import COMMANDS
from scoredock.errors import ScoredockError
from scoredock.options import VARIABLES
from scoredock.output import print_error, warn
from scoredock.settings import load_dotenv

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Set by the scripts of `scoredock completion`, by whose name click knows it.
COMPLETE = "_SCOREDOCK_COMPLETE"

_EPILOG = """\b
Exit status: 0 done, 1 a request or a check failed, 2 the spec or an option is wrong,
3 a template is wrong, 4 docker, the service or the disk failed or the lock is stale, 130 Ctrl-C.
Every option with a variable beside it can be set in .env: see .env.example."""


def main() -> None:
    """Run one command and exit with its status."""
    try:
        for line in load_dotenv(VARIABLES):
            if COMPLETE not in os.environ:  # then a person is in the midst of typing
                warn(line)
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        message = error.format_message()
        if message.startswith("Usage: "):  # a group without a command: its help
            print(message, file=sys.stderr)
            sys.exit(error.exit_code)
        print(f"error: {message}", file=sys.stderr)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            print(f" hint: {error.ctx.command_path} --help", file=sys.stderr)
        sys.exit(error.exit_code)
    except ScoredockError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        sys.exit(130)


class _LazyGroup(click.Group):
    """Imports the one command that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        # Nothing that is imported is ever garbage. That the collector does not look for any in it,
        # now and at the end, saves a fifth of the time that `render` takes (bench/startup.py).
        gc.disable()
        command: click.Command = getattr(import_module(f"scoredock.commands.{cmd_name}"), cmd_name)
        gc.freeze()
        gc.enable()
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Offer every command with its line, of which none is imported for it."""
        from click.shell_completion import CompletionItem  # no other start needs it

        found = [
            CompletionItem(name, help=line)
            for name, line in sorted(COMMANDS.items())
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def cli() -> None:
    """Serve a model trained for Azure Machine Learning on hardware you own.

    \b
    From azureml_environment.json, an entry script and a model folder to a scoring URL:
      scoredock up                      build the image and start the service
      scoredock score request.json      POST a request, print the answer
      scoredock logs --follow           what the service says
      scoredock down                    stop it
    """
