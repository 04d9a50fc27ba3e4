import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from support import ROOT


@pytest.fixture(autouse=True)
def remove_image(environment: dict[str, str], engine: docker.DockerClient) -> Iterator[None]:
    """Nothing that a test built stays behind, but for BuildKit's cache."""
    yield
    project = environment["COMPOSE_PROJECT_NAME"]
    for container in engine.containers.list(
        all=True, filters={"label": f"com.docker.compose.project={project}"}
    ):
        container.remove(force=True)
    for image in engine.images.list(name=environment["IMAGE"]):
        engine.images.remove(image.id, force=True)


@pytest.fixture
def container(environment: dict[str, str], engine: docker.DockerClient):
    """The test's service, looked up when it is called."""

    def find() -> Container:
        project = environment["COMPOSE_PROJECT_NAME"]
        [found] = engine.containers.list(
            all=True, filters={"label": f"com.docker.compose.project={project}"}
        )
        return found

    return find


@pytest.fixture
def override(tmp_path):
    """Write a folder with a Dockerfile.j2 that replaces one block, and return it."""

    def write(block: str, text: str) -> Path:
        folder = tmp_path / "mine"
        folder.mkdir()
        (folder / "Dockerfile.j2").write_text(
            f'{{% extends "shipped/Dockerfile.j2" %}}\n'
            f"{{% block {block} %}}\n{text}\n{{% endblock %}}\n"
        )
        return folder

    return write


@pytest.fixture
def serve(scoredock, tmp_path):
    """Serve what `expression` says of the request's `data`, and return the answer.

    The first of two in a list; the second is the version of Python that has given it.
    """

    def answer(spec: Path, imports: str, expression: str, *options: object, **variables: str):
        source = tmp_path / "computing"
        source.mkdir(exist_ok=True)
        (source / "score.py").write_text(
            f"import json, os, sys\n{imports}\n"
            "def init(): pass\n"
            "def run(raw_data):\n"
            "    data = json.loads(raw_data)['data']\n"
            f"    return [{expression}, '{{}}.{{}}'.format(*sys.version_info)]\n"
        )
        (tmp_path / "models").mkdir(exist_ok=True)
        where = ["--spec", spec, "--source", source, "--entry-script", "score.py"]
        if "--models" not in options:
            options += ("--models", tmp_path / "models")
        started = scoredock("up", *where, *options, **variables)
        assert started.returncode == 0, started.stderr
        scored = scoredock("score", "-", stdin='{"data": [[3.0]]}')
        assert scored.returncode == 0, scored.stdout + scored.stderr
        return json.loads(scored.stdout)

    return answer


@pytest.fixture
def compose(environment: dict[str, str]):
    """Plain docker compose, at the top of the checkout."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["docker", "compose", "--env-file=/dev/null", *arguments],
            # For compose an empty variable is one that is set.
            env={name: value for name, value in environment.items() if value},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("down")
