"""A service of a workspace of its own, in both runtimes."""

import json

import pytest

SCRIPT = """
import json, os, pathlib

def init():
    global model
    model = next(pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()).read_text()

def run(raw_data):
    return [TEXT, model, os.environ.get("COLOUR")]
"""


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    """Where the environment of all these tests is made, once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def environment(environment, state):
    return environment | {"SCOREDOCK_STATE": str(state)}


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request):
    if request.param == "docker":
        request.getfixturevalue("engine")
    return request.param


@pytest.fixture
def service(scoredock, runtime, tmp_path, plain_spec, environment):
    """Deploy a service in a workspace of its own; `run` changes it."""
    workspace = tmp_path / "workspace"
    source = tmp_path / "code"
    source.mkdir()
    name = environment["COMPOSE_PROJECT_NAME"]

    def run(*arguments, **variables):
        return scoredock(*arguments, SCOREDOCK_WORKSPACE=str(workspace), **variables)

    def write(text):
        (source / "score.py").write_text(SCRIPT.replace("TEXT", repr(text)))

    def register(text):
        (tmp_path / "model.txt").write_text(text)
        return run("model", "register", tmp_path / "model.txt", "--name", "greeting")

    run("workspace", "init", workspace)
    write("one")
    register("first")
    deployed = run(
        "service", "deploy", name, "--environment", plain_spec, "--source", source,
        "--model", "greeting", "--port", environment["PORT"], "--runtime", runtime,
    )  # fmt: skip
    assert deployed.returncode == 0, deployed.stderr

    def answer():
        return json.loads(run("service", "score", name, "-", stdin="1").stdout)

    run.name, run.answer, run.write, run.register, run.source = (
        name,
        answer,
        write,
        register,
        source,
    )
    yield run
    run("service", "delete", name, "--keep-image")  # other tests are made from it
