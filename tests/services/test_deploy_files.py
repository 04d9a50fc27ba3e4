"""The files of v1 and v2, deployed with `service deploy -f`, scored, changed and deleted."""

import json
import shutil

import pytest

SCRIPT = """
import json, os, pathlib
import helper

def init():
    global model
    folder = pathlib.Path(os.environ["AZUREML_MODEL_DIR"])
    model = [*folder.parts[-3:], next(folder.iterdir()).read_text()]

def run(raw_data):
    beside = pathlib.Path("beside.txt")
    return {
        "text": TEXT,
        "model": model,
        "helper": helper.VALUE,
        "beside": beside.read_text() if beside.exists() else None,
        "script": os.environ["AZUREML_ENTRY_SCRIPT"],
        "root": pathlib.Path(os.environ["AML_APP_ROOT"]).name,
        "colour": os.environ.get("COLOUR"),
        "timeout": os.environ.get("SCORING_TIMEOUT_MS"),
    }
"""
ENDPOINT = """
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json
name: {name}
auth_mode: key
"""
BLUE = """
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: {name}
model: azureml:greeting@latest
code_configuration:
  code: code
  scoring_script: scoring/score.py
environment: azureml:plain:1
environment_variables:
  COLOUR: blue
request_settings:
  request_timeout_ms: 4000
instance_type: Standard_DS3_v2
instance_count: 1
"""


@pytest.fixture
def files(scoredock, tmp_path, plain_spec, environment):
    """Run the command in a workspace with a model and an environment; write what is deployed."""
    workspace = tmp_path / "workspace"
    name = environment["COMPOSE_PROJECT_NAME"]
    code = tmp_path / "code" / "scoring"

    def run(*arguments, **variables):
        return scoredock(*arguments, SCOREDOCK_WORKSPACE=str(workspace), **variables)

    def write(text):
        code.mkdir(parents=True, exist_ok=True)
        (code / "score.py").write_text(SCRIPT.replace("TEXT", repr(text)))
        (code / "helper.py").write_text("VALUE = 'helped'\n")
        (code / "beside.txt").write_text("beside")

    def register(text):
        (tmp_path / "model.txt").write_text(text)
        return run("model", "register", tmp_path / "model.txt", "--name", "greeting")

    def answer(service):
        return json.loads(run("service", "score", service, "-", stdin="1").stdout)

    run("workspace", "init", workspace)
    register("first")
    write("one")
    registered = run("environment", "register", plain_spec)
    assert registered.stdout == "plain:1\n", registered.stderr
    run.name, run.write, run.register, run.answer, run.code = name, write, register, answer, code
    run.workspace = workspace
    yield run
    for service in (name, f"{name}-blue"):
        run("service", "delete", service)


def test_endpoint_and_deployment_are_deployed_scored_deployed_again_and_deleted(
    files, runtime, tmp_path
):
    endpoint, blue = tmp_path / "endpoint.yml", tmp_path / "blue.yml"
    endpoint.write_text(ENDPOINT.format(name=files.name))
    blue.write_text(BLUE.format(name=files.name))
    service = f"{files.name}-blue"
    deploy = ["service", "deploy", "-f", blue, "-f", endpoint, "--runtime", runtime]

    deployed = files(*deploy)

    assert deployed.returncode == 0, deployed.stderr
    assert "instance_type, instance_count have no effect on this machine" in deployed.stderr
    assert "auth_mode has no effect" in deployed.stderr
    assert files.answer(service) == {
        "text": "one",
        "model": ["azureml-models", "greeting", "1", "first"],
        "helper": "helped",
        "beside": "beside",
        "script": "score.py",
        "root": "scoring",
        "colour": "blue",
        "timeout": "4000",
    }

    files.write("two")
    files.register("second")
    blue.write_text(blue.read_text().replace("COLOUR: blue", "COLOUR: green"))
    again = files(*deploy)
    answered = files.answer(service)

    assert again.stdout == deployed.stdout
    assert (answered["text"], answered["colour"]) == ("two", "green")
    assert answered["model"][-2:] == ["2", "second"]

    files.write("three")
    reloaded = files("service", "reload", service)
    waited = files("service", "wait", service)

    assert (reloaded.returncode, waited.returncode) == (0, 0), reloaded.stderr

    deleted = files("service", "delete", service)

    assert (deleted.returncode, deleted.stdout) == (0, f"{service}\n")
    assert files("service", "list").stdout == ""


def test_a_deployment_may_have_model_and_environment_beside_it(files, runtime, tmp_path):
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11, {pip: []}]")
    inline = "environment: {name: plain, image: mcr.microsoft.com/azureml/x, conda_file: conda.yml}"
    text = BLUE.format(name=files.name).replace("environment: azureml:plain:1", inline)
    blue = tmp_path / "blue.yml"
    blue.write_text(text.replace("azureml:greeting@latest", "{name: own, version: 7, path: m}"))
    (tmp_path / "m").write_text("beside the file")

    deployed = files("service", "deploy", "-f", blue, "--runtime", runtime)

    assert deployed.returncode == 0, deployed.stderr
    answered = files.answer(f"{files.name}-blue")
    assert answered["model"] == ["azureml-models", "own", "7", "beside the file"]
    assert answered["colour"] == "blue"


def test_the_pair_of_v1_is_deployed_by_its_name_with_a_model_of_the_workspace(
    files, runtime, tmp_path, environment
):
    config = {
        "entryScript": "scoring/score.py",
        "sourceDirectory": "code",
        "environment": {
            "name": "plain",
            "python": {"condaDependencies": {"dependencies": ["python=3.11", {"pip": []}]}},
            "environmentVariables": {"COLOUR": "red"},
        },
    }
    shutil.copy(
        files.code / "helper.py", files.code.parent
    )  # only the source folder is on the path
    (tmp_path / "inferenceconfig.json").write_text(json.dumps(config))
    port = int(environment["PORT"])
    settings = {"computeType": "local", "port": port}
    (tmp_path / "deploymentconfig.json").write_text(json.dumps(settings))

    deployed = files(
        "service", "deploy", files.name, "-f", tmp_path / "inferenceconfig.json",
        "-m", "greeting:1", "--runtime", runtime,
    )  # fmt: skip

    assert deployed.returncode == 0, deployed.stderr
    assert deployed.stdout == f"http://localhost:{port}/score\n"
    assert "deploymentconfig.json beside inferenceconfig.json is read" in deployed.stderr
    answered = files.answer(files.name)
    assert answered["script"] == "code/scoring/score.py"
    assert answered["model"] == ["azureml-models", "greeting", "1", "first"]
    assert (answered["colour"], answered["timeout"]) == ("red", None)


def test_registered_models_are_verified_where_the_code_is_the_root(files, runtime, tmp_path):
    blue = tmp_path / "blue.yml"
    blue.write_text(BLUE.format(name=files.name) + "\n")
    verify = ["--variable", "SCOREDOCK_VERIFY_MODELS=true"]

    deployed = files("service", "deploy", "-f", blue, *verify, "--runtime", runtime)

    assert deployed.returncode == 0, deployed.stderr
    log = files("service", "logs", f"{files.name}-blue").stdout
    assert "model greeting:1 is as it was registered: 1 file" in log
