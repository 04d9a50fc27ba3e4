"""What several kinds of tests share: free ports, the kit as a command, an engine or a reason."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import docker
import pytest

from support import ROOT, SCOREDOCK, SETTINGS, base_image

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test that says with the mark `calls` that it calls a method, and does not."""
    claimed = [name for mark in pyfuncitem.iter_markers("calls") for name in mark.args]
    if not claimed:
        return (yield)
    from calls import public_methods

    called = set()
    sys.setprofile(lambda frame, *_: called.add(frame.f_code))
    try:
        result = yield
    finally:
        sys.setprofile(None)
    methods = public_methods()
    assert [name for name in claimed if not called & set(methods[name])] == []
    return result


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environment(tmp_path: Path, port: int) -> dict[str, str]:
    """The process environment of a kit that cannot meet another test's service."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    # An empty value hides what .env may hold; what reaches the package index stays.
    hidden = {name: "" for name in SETTINGS if name not in ("CA_FILE", "PIP_CONFIG")}
    own = {name: value for name, value in os.environ.items() if not name.startswith("AZUREML_")}
    return (
        own
        | hidden
        | {
            "COMPOSE_PROJECT_NAME": name,
            "IMAGE": f"scoredock-{name}:latest",
            "BASE_IMAGE": base_image("3.11"),
            "PORT": str(port),
            "SCOREDOCK_STATE": str(tmp_path / "state"),
        }
    )


@pytest.fixture
def scoredock(environment: dict[str, str]) -> Iterator[Run]:
    """The command, run to its end; what it started is stopped after the test."""

    def run(*arguments: object, stdin: str | None = None, **variables: str):
        return subprocess.run(
            [SCOREDOCK, *map(str, arguments)],
            env=environment | variables,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("down")


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    """The Docker engine; without one a test is skipped, or fails where CI=true."""
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Docker engine answers: {error}")
    return client


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a small entry script and one model, which is a text file."""
    folder = tmp_path / "plain"
    version = folder / "models" / "greeting" / "1"
    version.mkdir(parents=True)
    (version / "greeting.txt").write_text("hello")
    (folder / "score.py").write_text(
        "import json, os, pathlib\n"
        "def init():\n"
        "    global greeting\n"
        "    folder = pathlib.Path(os.environ['AZUREML_MODEL_DIR'])\n"
        "    greeting = (folder / 'greeting.txt').read_text()\n"
        "def run(raw_data):\n"
        "    return [greeting, json.loads(raw_data)]\n"
    )
    return folder


@pytest.fixture
def plain_spec(tmp_path: Path) -> Path:
    """The spec of an environment without any package."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (folder / "azureml_environment.json").write_text('{"name": "plain"}')
    (folder / "conda_dependencies.yml").write_text("dependencies: [python=3.11, {pip: []}]")
    return folder
