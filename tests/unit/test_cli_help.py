import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from scoredock.cli import cli
from scoredock.commands import COMMANDS as LINES
from support import COMMANDS, SCOREDOCK


@pytest.mark.parametrize("arguments", [[], *([name] for name in sorted(COMMANDS))])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_there_for_the_asking(arguments, flag):
    result = CliRunner().invoke(cli, [*arguments, flag])

    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does(name):
    assert COMMANDS[name].help.partition("\n")[0] == LINES[name]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        pytest.param(name, option, id=f"{name} {option.opts[0]}")
        for name, command in sorted(COMMANDS.items())
        for option in command.params
        if isinstance(option, click.Option)
    ],
)
def test_every_option_says_what_it_does(name, option):
    assert option.help


@pytest.mark.parametrize("command", [[SCOREDOCK], [sys.executable, "-m", "scoredock"]])
def test_the_command_can_be_called_by_its_name_and_as_a_module(command):
    result = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r"\d+\.\d+\.\d+", result.stdout)
