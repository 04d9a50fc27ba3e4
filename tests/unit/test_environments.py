import json

import pytest

from scoredock import environments
from scoredock.canonical import canonical_context
from scoredock.errors import NotFoundError, SpecError, WorkspaceError
from scoredock.formats import read
from scoredock.resolve import resolve
from scoredock.workspace import init_workspace


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "workspace")


@pytest.fixture
def register(workspace, tmp_path):
    """Register a conda file of a Python and packages."""

    def call(python="3.8", packages="[numpy]", **values):
        text = f"name: e\ndependencies: [python={python}, {{pip: {packages}}}]\n"
        (tmp_path / "conda.yml").write_text(text)
        return environments.register(workspace, read(tmp_path / "conda.yml").spec, **values)

    return call


def ids(found):
    return [each.id for each in found]


def test_a_version_is_a_saved_environment_that_means_the_same(register, tmp_path):
    made = register()

    saved = json.loads((made.folder / "azureml_environment.json").read_text())
    assert (made.id, saved["name"], saved["version"]) == ("e:1", "e", "1")
    before, after = resolve(read(tmp_path / "conda.yml").spec)[0], resolve(made.read().spec)[0]
    assert (after.python_version, after.pip_packages) == (
        before.python_version,
        before.pip_packages,
    )


def test_the_same_again_is_the_version_that_is_there(register, workspace):
    assert register().id == "e:1"
    assert register().id == "e:1"
    assert register(python="3.9").id == "e:2"
    assert register(python="3.9").id == "e:2"
    assert register().id == "e:3"  # not the newest, so that NAME means it again
    assert list((workspace.folder / ".staging").iterdir()) == []


def test_the_same_as_one_that_was_deleted_is_a_new_version(register, workspace):
    environments.delete(workspace, register())

    assert register().id == "e:2"
    assert ids(environments.list_environments(workspace)) == ["e:2"]


def test_an_environment_is_found_by_name_and_version(register, workspace):
    register()
    register(python="3.9", name="e")
    register(name="other")

    assert environments.get(workspace, "e").id == "e:2"
    assert environments.get(workspace, "e", version="1").id == "e:1"
    assert ids(environments.list_environments(workspace)) == ["e:1", "e:2", "other:1"]
    assert ids(environments.list_environments(workspace, latest=True)) == ["e:2", "other:1"]
    assert ids(environments.list_environments(workspace, name="e")) == ["e:1", "e:2"]
    with pytest.raises(NotFoundError, match="no environment 'absent'"):
        environments.get(workspace, "absent")


def test_an_environment_without_a_name_needs_one(workspace, tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy\n")
    spec = read(tmp_path / "requirements.txt").spec.model_copy(update={"name": None})

    with pytest.raises(WorkspaceError, match="the environment has no name"):
        environments.register(workspace, spec)

    assert environments.register(workspace, spec, name="n").id == "n:1"


def test_a_dockerfile_brings_its_files_but_not_the_workspace_that_lies_beside(tmp_path):
    workspace = init_workspace(tmp_path / "project" / ".scoredock" / "workspace")
    project = tmp_path / "project"
    (project / "Dockerfile").write_text("FROM python:3.8\nCOPY . /app\n")
    (project / "a.txt").write_text("a")
    (project / "env.yml").write_text("name: e\nbuild: {path: .}\n")
    reading = read(project / "env.yml")

    context = canonical_context(reading)
    made = environments.register(workspace, reading.spec, base_context=context)
    again = environments.register(workspace, reading.spec, base_context=context)

    assert (made.id, again.id) == ("e:1", "e:1")
    assert (made.folder / "BaseDockerfile").read_text() == "FROM python:3.8\nCOPY . /app\n"
    assert (made.folder / "a.txt").read_text() == "a"
    assert not (made.folder / ".scoredock").exists()
    (project / "a.txt").write_text("b")
    assert environments.register(workspace, reading.spec, base_context=context).id == "e:2"

    environments.download(made, tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "a"


def test_a_password_is_left_out_with_a_warning(workspace, tmp_path):
    registry = {"address": "r.example.com", "username": "robot7", "password": "s3cret"}
    data = {"name": "e", "docker": {"baseImage": "x", "baseImageRegistry": registry}}
    (tmp_path / "azureml_environment.json").write_text(json.dumps(data))
    (tmp_path / "conda_dependencies.yml").write_text("dependencies: [python=3.8]")
    warnings = []

    made = environments.register(workspace, read(tmp_path).spec, warn=warnings.append)

    assert "s3cret" not in (made.folder / "azureml_environment.json").read_text()
    assert any("baseImageRegistry.password is left out" in line for line in warnings)


def test_a_download_is_to_be_edited_and_registered_again(register, workspace, tmp_path):
    made = register()

    folder = environments.download(made, tmp_path / "edited")
    with pytest.raises(SpecError, match="is not an empty folder"):
        environments.download(made, folder)
    conda = folder / "conda_dependencies.yml"
    conda.write_text(conda.read_text().replace("numpy", "pandas"))

    assert environments.register(workspace, read(folder).spec).id == "e:2"
