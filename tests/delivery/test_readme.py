"""Every command that the documents show exists, with the options that they give it."""

import re
import shlex

import click
import pytest

from support import COMMANDS, ROOT

DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "templates/README.md",
    "docs/debugging.md",
    "docs/lock.md",
    "docs/services.md",
    "docs/workspace.md",
    "examples/digits/README.md",
    "examples/tutorial/README.md",
]


def shown_commands() -> list[tuple[str, str]]:
    return [
        (document, line.strip())
        for document in DOCUMENTS
        for block in re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    ]


def every_command() -> list[click.Command]:
    groups = [command for command in COMMANDS.values() if isinstance(command, click.Group)]
    return [*COMMANDS.values(), *(inner for group in groups for inner in group.commands.values())]


def test_the_documents_show_commands():
    assert len(shown_commands()) > 10


@pytest.mark.parametrize(("document", "line"), shown_commands())
def test_a_shown_command_exists(document, line):
    words = shlex.split(line, comments=True)
    while "=" in words[0] and not words[0].startswith("-"):
        words = words[1:]
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "scripts/bootstrap" or program in ("cp", "docker", "python"):
        return
    if program.startswith("scripts/"):
        assert (ROOT / program).is_file()
        if program.removeprefix("scripts/") not in COMMANDS:
            return
        arguments = [program.removeprefix("scripts/"), *arguments]
    else:
        assert program == "scoredock"
    command = COMMANDS[arguments[0]]
    while isinstance(command, click.Group):
        arguments = arguments[1:]
        command = command.commands[arguments[0]]
    spelled = [(*parameter.opts, *parameter.secondary_opts) for parameter in command.params]
    known = {name for names in spelled for name in names} | {"--help"}
    assert {word for word in arguments[1:] if word.startswith("--")} <= known


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_readme_names_every_command(name):
    assert re.search(rf"`scoredock {name}\b", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("command", every_command(), ids=lambda command: command.name)
def test_every_option_says_what_it_does(command: click.Command):
    silent = [
        parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]

    assert silent == []
