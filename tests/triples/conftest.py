"""Each triple as a service, in both runtimes: one environment for all, made once in each."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from scoredock.virtualenv import find_interpreter

HERE = Path(__file__).parent
ENVIRONMENT = HERE / "environment"
PYTHON = "3.11"


@pytest.fixture(scope="session")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("state")
    yield state
    shutil.rmtree(state)  # half a gigabyte, and pytest keeps three runs


@pytest.fixture
def environment(environment: dict[str, str], shared_state: Path) -> dict[str, str]:
    """The same, but that the tests have one virtual environment between them."""
    return environment | {"SCOREDOCK_STATE": str(shared_state)}


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> Iterator[list[str]]:
    """What tests built: removed at the end, because their layers are the same."""
    names: list[str] = []
    yield names
    for image in [found for name in names for found in engine.images.list(name=name)]:
        engine.images.remove(image.id, force=True)


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request: pytest.FixtureRequest, environment: dict[str, str]) -> str:
    if request.param == "docker":
        request.getfixturevalue("images").append(environment["IMAGE"])
    elif not find_interpreter(PYTHON) and os.environ.get("CI") != "true":
        pytest.skip(f"no Python {PYTHON}, which the models ask for")
    return request.param


@pytest.fixture
def serve(runtime: str, scoredock, port: int, tmp_path: Path) -> Callable[..., str]:
    """Start a triple, with variables that its spec sets, and return where it listens."""

    def up(triple: str, **variables: str) -> str:
        spec = shutil.copytree(ENVIRONMENT, tmp_path / "spec")
        written = json.loads((spec / "azureml_environment.json").read_text())
        written["environmentVariables"] = variables
        (spec / "azureml_environment.json").write_text(json.dumps(written))
        started = scoredock("up", "--runtime", runtime, "--spec", spec, "--source", HERE / triple)
        assert started.returncode == 0, started.stderr
        return f"http://127.0.0.1:{port}"

    return up
