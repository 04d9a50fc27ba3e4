"""A workspace of its own for each test, and nothing of a developer's .env."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoredock.sdk import Environment, InferenceConfig, Model, Workspace
from support import SETTINGS, base_image


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environments of all these tests are made, so that none is made twice."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def settings(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        if name not in ("CA_FILE", "PIP_CONFIG"):
            monkeypatch.setenv(name, "")
    for name in [name for name in os.environ if name.startswith(("AZUREML_", "AML_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCOREDOCK_STATE", str(state))
    monkeypatch.setenv("SCOREDOCK_WORKSPACE", "")
    monkeypatch.setenv("BASE_IMAGE", base_image("3.11"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create("test", folder=tmp_path / ".scoredock" / "workspace")


@pytest.fixture
def environment_of_service(plain_spec: Path) -> Environment:
    """An environment with no package."""
    return Environment.load_from_directory(plain_spec)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """An entry script that answers with its models and with what it was sent."""
    path = tmp_path / "score.py"
    path.write_text(
        "import json, os, pathlib\n"
        "def init():\n"
        "    global words\n"
        "    root = pathlib.Path(os.environ['AZUREML_MODEL_DIR'])\n"
        "    found = [*root.glob('*.txt'), *root.glob('*/*/*.txt')]\n"
        "    words = sorted(path.read_text() for path in found if path.is_file())\n"
        "def run(raw_data):\n"
        "    return [*words, json.loads(raw_data)]\n"
    )
    return path


@pytest.fixture
def model(workspace: Workspace, tmp_path: Path) -> Model:
    (tmp_path / "greeting.txt").write_text("hello")
    return Model.register(workspace, "greeting.txt", "greeting")


@pytest.fixture
def config(script: Path, environment_of_service: Environment) -> InferenceConfig:
    return InferenceConfig(entry_script="score.py", environment=environment_of_service)


@pytest.fixture
def name(workspace: Workspace) -> Iterator[str]:
    """The name of a service; what there is of it is deleted after the test."""
    made = f"test-{uuid.uuid4().hex[:8]}"
    yield made
    if made in workspace.webservices:
        workspace.webservices[made].delete()
