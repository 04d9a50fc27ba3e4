"""--json: which commands take it, and that what they print is JSON."""

import json

import click
import pytest

from support import COMMANDS

GROUPS = ["environment", "model", "service", "templates", "workspace"]
SINGLE = ["doctor", "inspect", "lock", "verify"]


def commands():
    for name in SINGLE:
        yield name, COMMANDS[name]
    for group in GROUPS:
        for name, command in COMMANDS[group].commands.items():
            yield f"{group} {name}", command


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=lambda value: str(value))
def test_every_command_that_tells_something_takes_json(name, command):
    options = [each for each in command.params if isinstance(each, click.Option)]

    assert [each.help for each in options if "--json" in each.opts] == ["Print JSON."]


@pytest.fixture
def printed(scoredock, tmp_path):
    """What a command prints with --json."""

    def printed(*arguments):
        done = scoredock(*arguments, "--json", SCOREDOCK_WORKSPACE=str(tmp_path / "workspace"))
        # doctor ends with 1 where the machine lacks something.
        assert done.returncode in ((0, 1) if arguments[0] == "doctor" else (0,)), done.stderr
        return json.loads(done.stdout)

    return printed


def test_what_is_printed_of_a_workspace_is_json(printed, tmp_path, plain_spec):
    model, copy = tmp_path / "model.txt", tmp_path / "copy"
    model.write_text("hello")

    assert printed("workspace", "init", tmp_path / "workspace") == printed("workspace", "show")
    assert printed("model", "register", model, "--name", "m")["id"] == "m:1"
    assert [each["id"] for each in printed("model", "list")] == ["m:1"]
    assert printed("model", "show", "m")["version"] == 1
    assert printed("model", "update", "m", "--tag", "a=b")["tags"] == {"a": "b"}
    assert printed("model", "verify", "m")[0]["ok"] is True
    assert printed("model", "download", "m", "--target-dir", copy)["id"] == "m:1"
    archive = printed("model", "export", "m", tmp_path / "m.tar")["path"]
    assert printed("model", "import", archive)["id"] == "m:2"
    assert printed("model", "delete", "m:2")["id"] == "m:2"
    assert printed("environment", "register", plain_spec)["id"] == "plain:1"
    assert [each["id"] for each in printed("environment", "list")] == ["plain:1"]
    assert printed("environment", "show", "plain")["name"] == "plain"
    written = printed("environment", "download", "plain", "--output", tmp_path / "out")
    assert written["id"] == "plain:1"
    assert printed("environment", "delete", "plain:1")["id"] == "plain:1"
    assert printed("service", "list") == []


def test_what_is_printed_of_a_spec_is_json(printed, plain_spec):
    assert printed("inspect", plain_spec) == printed("inspect", plain_spec, "--format", "json")
    findings = printed("doctor", "--spec", plain_spec)
    assert {"engine", "compose", "buildx", "disk"} <= {each["name"] for each in findings}


def test_what_is_printed_of_templates_is_json(printed, tmp_path):
    mine = tmp_path / "mine"

    blocks = printed("templates", "list")
    shown = printed("templates", "show", "system")
    copied = printed("templates", "eject", "system", "--templates", mine)
    changes = printed("templates", "diff", "--templates", mine)

    assert shown["block"] in [each["block"] for each in blocks]
    assert copied["path"] == str(mine / shown["template"])
    assert [each["diff"] for each in changes] == [[]]
