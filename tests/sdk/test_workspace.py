import json

import pytest

from scoredock.sdk import Environment, Model, UserErrorException, Workspace


@pytest.mark.calls(
    "Workspace.from_config", "Workspace.name", "Workspace.folder", "Workspace.get_details"
)
def test_a_program_finds_the_workspace_of_its_project(workspace, tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    found = Workspace.from_config()

    assert (found.name, found.folder) == ("test", workspace.folder)
    assert found.get_details()["folder"] == str(workspace.folder)


@pytest.mark.parametrize("place", [".", ".scoredock/workspace", "config.json"])
def test_a_path_is_the_workspace_or_lies_in_its_project(workspace, tmp_path, place):
    (tmp_path / "config.json").write_text('{"workspace_name": "cloud"}')

    assert Workspace.from_config(tmp_path / place).folder == workspace.folder


def test_a_variable_names_the_workspace(tmp_path, monkeypatch):
    Workspace.create("elsewhere", folder=tmp_path / "elsewhere")
    monkeypatch.setenv("SCOREDOCK_WORKSPACE", str(tmp_path / "elsewhere"))

    assert Workspace.from_config().name == "elsewhere"


def test_a_config_file_of_the_cloud_is_passed_over_with_one_note(workspace, tmp_path, capsys):
    config = {"subscription_id": "x", "resource_group": "y", "workspace_name": "cloud"}
    (tmp_path / ".azureml").mkdir()
    (tmp_path / ".azureml" / "config.json").write_text(json.dumps(config))

    assert Workspace.from_config().name == "test"
    Workspace.from_config()

    assert capsys.readouterr().err.count("a workspace of the cloud, passed over") == 1


def test_no_workspace_is_an_error_that_tells_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path / "empty"))

    with pytest.raises(UserErrorException, match="scoredock workspace init"):
        Workspace.from_config()
    assert Workspace.list() == {}


@pytest.mark.calls("Workspace.create")
def test_a_workspace_that_is_there_is_taken_only_when_asked(tmp_path):
    made = Workspace.create("mine", folder=tmp_path / "ws")
    with pytest.raises(UserErrorException, match="exist_ok=True"):
        Workspace.create("mine", folder=tmp_path / "ws")

    assert Workspace.create("mine", folder=tmp_path / "ws", exist_ok=True).folder == made.folder
    with pytest.raises(UserErrorException, match="expected a workspace 'yours'"):
        Workspace.create("yours", folder=tmp_path / "ws", exist_ok=True)


@pytest.mark.calls("Workspace", "Workspace.get", "Workspace.list")
def test_the_clouds_arguments_are_passed_over(workspace):
    assert Workspace.get("test", subscription_id="x", resource_group="y").name == "test"
    assert Workspace("x", "y", "test").folder == workspace.folder
    assert [each.name for each in Workspace.list("x")["test"]] == ["test"]
    with pytest.raises(UserErrorException, match="expected a workspace 'other', found 'test'"):
        Workspace.get("other")


@pytest.mark.calls("Workspace.models", "Workspace.environments", "Workspace.webservices")
def test_what_is_registered_is_there_by_name(workspace, tmp_path):
    (tmp_path / "model.txt").write_text("hello")
    for _ in range(2):
        Model.register(workspace, "model.txt", "greeting")
    Environment("mine").register(workspace)

    assert [(name, each.version) for name, each in workspace.models.items()] == [("greeting", 2)]
    assert [each.version for each in workspace.environments.values()] == ["1"]
    assert workspace.webservices == {}
