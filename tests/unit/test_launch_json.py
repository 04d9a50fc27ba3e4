import json
from pathlib import Path

import pytest

from scoredock.launch_json import attach_configuration, write_launch_json

REMOTE = "/var/azureml-app/digits"


def configuration(workspace, **changes):
    fields = {"port": 5678, "source": workspace / "src" / "digits", "remote": REMOTE}
    return attach_configuration("digits", workspace=workspace, **fields | changes)


@pytest.fixture
def own(tmp_path):
    return tmp_path / "state" / "launch" / "digits.json"


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("/work/src/digits", "${workspaceFolder}/src/digits"),
        ("/work", "${workspaceFolder}"),
        ("/elsewhere/digits", "/elsewhere/digits"),
        ("/workshop", "/workshop"),
    ],
)
def test_a_source_in_the_workspace_is_named_so_that_a_copy_has_it_too(source, local):
    made = configuration(Path("/work"), source=Path(source))

    assert made["pathMappings"] == [{"localRoot": local, "remoteRoot": REMOTE}]
    assert (made["type"], made["request"]) == ("debugpy", "attach")
    assert made["connect"] == {"host": "127.0.0.1", "port": 5678}


def test_without_a_file_one_is_made(tmp_path, own):
    made = configuration(tmp_path)

    written = write_launch_json(made, tmp_path, own=own)

    assert written == tmp_path / ".vscode" / "launch.json"
    assert json.loads(written.read_text()) == {"version": "0.2.0", "configurations": [made]}


def test_what_a_person_has_in_it_stays_and_a_second_call_adds_nothing(tmp_path, own):
    file = tmp_path / ".vscode" / "launch.json"
    file.parent.mkdir()
    mine = {"name": "mine", "type": "debugpy", "request": "launch"}
    file.write_text(json.dumps({"version": "0.2.0", "configurations": [mine], "inputs": []}))
    made = configuration(tmp_path)

    write_launch_json(made, tmp_path, own=own)
    once = file.read_text()
    written = write_launch_json(made, tmp_path, own=own)

    assert written == file
    assert file.read_text() == once
    assert json.loads(once) == {"version": "0.2.0", "configurations": [mine, made], "inputs": []}


def test_what_was_written_before_is_replaced_unless_a_person_has_changed_it(tmp_path, own):
    write_launch_json(configuration(tmp_path), tmp_path, own=own)
    moved = configuration(tmp_path, port=6000)
    file = write_launch_json(moved, tmp_path, own=own)
    replaced = json.loads(file.read_text())["configurations"]
    file.write_text(file.read_text().replace("true", "false"))
    changed = file.read_text()

    last = write_launch_json(configuration(tmp_path, port=7000), tmp_path, own=own)

    assert replaced == [moved]
    assert last == own
    assert file.read_text() == changed


@pytest.mark.parametrize(
    "text",
    [
        '{"configurations": [] // mine\n}',
        '{"configurations": [{"name": "scoredock: digits", "port": 1}]}',
        '{"configurations": {}}',
        "[]",
        '{"configurations": [1]}',
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_and_another_is_written(tmp_path, own, text):
    file = tmp_path / ".vscode" / "launch.json"
    file.parent.mkdir()
    file.write_text(text)
    made = configuration(tmp_path)

    written = write_launch_json(made, tmp_path, own=own)

    assert written == own
    assert json.loads(own.read_text())["configurations"] == [made]
    assert file.read_text() == text


def test_where_the_folder_is_no_folder_another_file_is_written(tmp_path, own):
    (tmp_path / ".vscode").write_text("a file")

    assert write_launch_json(configuration(tmp_path), tmp_path, own=own) == own
