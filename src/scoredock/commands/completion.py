import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_PROGRAM = "scoredock"
_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, options and names.

    The names are those of services, models and environments in the workspace. Where it belongs:

    \b
      bash  scoredock completion bash > ~/.local/share/bash-completion/completions/scoredock
            without the package bash-completion, in ~/.bashrc: eval "$(scoredock completion bash)"
      zsh   in ~/.zshrc, after compinit: eval "$(scoredock completion zsh)"
      fish  scoredock completion fish > ~/.config/fish/completions/scoredock.fish

    It holds from the next shell on.
    """
    command = ctx.find_root().command
    print(_SHELLS[shell](command, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE").source())
