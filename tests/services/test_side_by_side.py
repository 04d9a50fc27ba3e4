"""Two services with two models each, on one engine: neither is in the other's way."""

import json
import subprocess
import uuid

import pytest

pytestmark = pytest.mark.docker

SCRIPT = """
import os, pathlib

def init():
    pass

def run(raw_data):
    folder = pathlib.Path(os.environ["AZUREML_MODEL_DIR"])
    return [NAME, *(path.read_text() for path in sorted(folder.rglob("*.txt")))]
"""


class Pair:
    """Two services of a workspace with one environment each."""

    def __init__(self, scoredock, folder):
        self.workspace = folder / "workspace"
        self._scoredock, self._folder = scoredock, folder
        self.names = [f"{name}-{uuid.uuid4().hex[:8]}" for name in ("left", "right")]
        self.run("workspace", "init", self.workspace)
        for number, name in enumerate(self.names):
            self._deploy(name, number)

    def run(self, *arguments, **options):
        return self._scoredock(*arguments, SCOREDOCK_WORKSPACE=str(self.workspace), **options)

    def _deploy(self, name, number):
        source, spec = self._folder / f"code-{number}", self._folder / f"spec-{number}"
        source.mkdir()
        spec.mkdir()
        (source / "score.py").write_text(SCRIPT.replace("NAME", repr(name)))
        environment = {"name": "plain", "environmentVariables": {"NUMBER": name}}
        (spec / "azureml_environment.json").write_text(json.dumps(environment))
        (spec / "conda_dependencies.yml").write_text("dependencies: [python=3.11, {pip: []}]")
        models = []
        for model in ("one", "two"):
            path = self._folder / f"{model}.txt"
            path.write_text(f"{model} of {number}")
            self.run("model", "register", path, "--name", model)
            models += ["--model", model]
        deployed = self.run(
            "service", "deploy", name, "--environment", spec, "--source", source,
            "--runtime", "docker", *models,
        )  # fmt: skip
        assert deployed.returncode == 0, deployed.stderr

    def answer(self, name):
        return json.loads(self.run("service", "score", name, "-", stdin="1").stdout)

    def image(self, name):
        return json.loads(self.run("service", "show", name, "--json").stdout)["image"]


@pytest.fixture
def pair(scoredock, engine, tmp_path):
    pair = Pair(scoredock, tmp_path)
    yield pair
    for name in pair.names:
        pair.run("service", "delete", name)


def compose(*arguments):
    done = subprocess.run(
        ["docker", "compose", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def left_of(engine, name):
    """What the engine has of a compose project."""
    label = {"label": f"com.docker.compose.project={name}"}
    return [
        *engine.containers.list(all=True, filters=label),
        *engine.networks.list(filters=label),
        *engine.volumes.list(filters=label),
        *(each for each in engine.networks.list() if name in each.name),
        *(each for each in engine.volumes.list() if name in each.name),
    ]


def test_two_services_live_and_end_side_by_side(pair, engine):
    left, right = pair.names
    images = {name: pair.image(name) for name in pair.names}
    assert pair.answer(left) == [left, "one of 0", "two of 0"]
    assert pair.answer(right) == [right, "one of 1", "two of 1"]

    # compose knows each by its name alone, and a name that is prefixed by it is another.
    shown = compose("-p", left, "ps", "--format", "{{.Service}} {{.State}}").splitlines()
    assert sorted(shown) == ["port running", "scoring-1 running"]
    compose("-p", left, "down")

    assert (
        engine.containers.list(all=True, filters={"label": f"com.docker.compose.project={left}"})
        == []
    )
    assert pair.answer(right) == [right, "one of 1", "two of 1"]
    assert json.loads(pair.run("service", "show", left, "--json").stdout)["state"] == "failed"

    # What compose has taken down can be deleted all the same.
    deleted = pair.run("service", "delete", left)
    assert deleted.returncode == 0, deleted.stderr
    assert pair.answer(right) == [right, "one of 1", "two of 1"]
    assert pair.run("service", "delete", right).returncode == 0

    for name in pair.names:
        assert left_of(engine, name) == []
        assert engine.images.list(images[name]) == []
    assert list((pair.workspace / "services").iterdir()) == []
    holding = [path for path in pair.workspace.rglob("*") if path.is_file()]
    assert [path for path in holding if path.name == "score.py"] == []


def test_an_image_that_another_service_is_made_from_stays(pair, engine, tmp_path):
    left, right = pair.names
    environment = tmp_path / "spec-0"
    updated = pair.run("service", "update", right, "--environment", environment)
    assert updated.returncode == 0, updated.stderr
    image = pair.image(right)
    assert image == pair.image(left)

    pair.run("service", "delete", left)
    kept = [each.tags for each in engine.images.list(image)]
    pair.run("service", "delete", right)

    assert kept == [[image]]
    assert engine.images.list(image) == []
