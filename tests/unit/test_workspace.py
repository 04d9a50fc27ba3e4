import json

import pytest

from scoredock.errors import NotFoundError, WorkspaceError
from scoredock.workspace import find_workspace, init_workspace, load_workspace


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    """No test finds the workspace of the checkout."""
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_workspace_is_made_once_and_found_ever_after(tmp_path):
    made = init_workspace(tmp_path / "w", name="mine")

    assert json.loads((tmp_path / "w" / "workspace.json").read_text()) == {
        "name": "mine",
        "format": 1,
    }
    assert init_workspace(tmp_path / "w") == made
    assert init_workspace(tmp_path / "w", name="mine") == made
    assert load_workspace(tmp_path / "w") == made


def test_the_nearest_one_above_the_working_directory_is_found(tmp_path):
    outer = init_workspace(tmp_path / "project" / ".scoredock" / "workspace")
    inner = init_workspace(tmp_path / "project" / "a" / ".scoredock" / "workspace")

    assert find_workspace(start=tmp_path / "project" / "a" / "b") == inner
    assert find_workspace(start=tmp_path / "project") == outer
    assert (outer.name, inner.name) == ("project", "a")


def test_else_it_is_the_one_in_the_state_folder(tmp_path, state):
    made = init_workspace()

    assert made.folder == state / "workspace"
    assert find_workspace(start=tmp_path) == made


def test_a_workspace_that_is_missing_is_one_line_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(NotFoundError, match="no workspace") as caught:
        find_workspace(start=tmp_path)
    with pytest.raises(NotFoundError, match="no workspace") as named:
        find_workspace(tmp_path / "absent")

    assert caught.value.hint == "make one: scoredock workspace init"
    assert named.value.hint == f"make one: scoredock workspace init {tmp_path}/absent"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", 'expected {"name"'),
        ('{"format": 1}', 'expected {"name"'),
        ('{"name": "x", "format": 2}', "expected format 1, found 2"),
        ('{"name": "x"}', "expected format 1, found None"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_path(tmp_path, text, message):
    (tmp_path / "workspace.json").write_text(text)

    with pytest.raises(WorkspaceError, match=message) as caught:
        load_workspace(tmp_path)

    assert str(tmp_path / "workspace.json") in str(caught.value)


def test_a_folder_that_holds_something_else_is_not_taken_over(tmp_path):
    (tmp_path / "thesis.tex").write_text("")

    with pytest.raises(WorkspaceError, match="is not an empty folder"):
        init_workspace(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_name_for_one_that_is_there_is_refused(tmp_path):
    init_workspace(tmp_path / "w", name="mine")

    with pytest.raises(WorkspaceError, match="expected a workspace 'yours', found"):
        init_workspace(tmp_path / "w", name="yours")


def test_one_that_was_killed_while_it_was_made_is_made_anew(tmp_path):
    (tmp_path / "w" / ".staging").mkdir(parents=True)

    assert init_workspace(tmp_path / "w").name == "w"
