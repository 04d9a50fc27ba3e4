import json

import pytest

from .builders import SPEC

CONDA = "dependencies:\n- python=3.8\n- pip:\n  - numpy==1.21.0\n  - azureml-defaults\n"


@pytest.fixture
def inspect(run):
    """Run the command and return its exit status, what it prints as JSON, and its messages."""

    def command(path, *arguments):
        result = run("inspect", path, "--format", "json", *arguments)
        return result.returncode, json.loads(result.stdout), result.stderr

    return command


def test_inspect_tells_what_is_made_of_a_spec_and_why(run, write_spec):
    folder = write_spec({"name": "mine", "version": "3"}, CONDA)

    result = run("inspect", folder)

    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "form         saved environment: its name is azureml_environment.json",
        f"files        {folder}/azureml_environment.json",
        f"             {folder}/conda_dependencies.yml",
        "name         mine 3",
        "python       3.8: the spec asks for python=3.8",
        "installer    pip: the conda part asks for nothing but Python and pip",
        "base image   python:3.8-slim: what installer pip needs",
        "conda        python=3.8",
        "pip          numpy==1.21.0",
        "left out     azureml-defaults: scoredock-server serves in its place",
        f"next         scoredock up --spec {folder}",
        f"             scoredock render --spec {folder} --output context",
    ]


def test_inspect_takes_the_default_spec_where_none_is_named(inspect, run):
    result = run("inspect")

    assert result.returncode == 0
    assert "name         digits" in result.stdout


def test_inspect_tells_the_same_as_json(inspect, write_spec):
    folder = write_spec({"name": "mine", "docker": {"shmSize": "1g"}}, CONDA)

    status, found, _ = inspect(folder)

    assert status == 0
    assert found["form"] == "saved environment"
    assert found["error"] is None
    env = found["environment"]
    assert env["python"] == {"version": "3.8", "reason": "the spec asks for python=3.8"}
    assert env["pip_packages"][0] == {"requirement": "numpy==1.21.0", "replaced": ""}
    assert env["service_options"] == {"shm_size": "1g"}


def test_warnings_and_notes_go_to_standard_error_and_into_the_json(inspect, run, write_spec):
    variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    folder = write_spec({"nmae": "x", "environmentVariables": variables}, CONDA)

    _, found, _ = inspect(folder)
    result = run("inspect", folder)

    assert found["warnings"] == [
        "azureml_environment.json: nmae: unknown key, ignored (the nearest known one is 'name')"
    ]
    assert f"warning: {found['warnings'][0]}\n" in result.stderr
    assert "EXAMPLE_ENV_VAR is the reference SDK's example and is left out" in found["notes"][0]
    assert f"note: {found['notes'][0]}\n" in result.stderr


def test_nothing_that_inspect_prints_holds_a_credential(run, inspect, write_spec):
    registry = {"address": "r.example.com", "username": "robot7", "password": "s3cret"}
    environment = {
        "environmentVariables": {"STORAGE_KEY": "s3cret", "PLAIN": "shown"},
        "docker": {"baseImageRegistry": registry, "arguments": ["-e", "MY_TOKEN=s3cret"]},
    }
    conda = "dependencies:\n- pip:\n  - -i https://u:${S}@x/\n  - https://x/a.whl?sv=1&sig=s3cret\n"
    folder = write_spec(environment, conda)

    result = run("inspect", folder)
    status, found, stderr = inspect(folder)

    assert (result.returncode, status) == (0, 0)
    told = f"{result.stdout}{result.stderr}{json.dumps(found)}{stderr}"
    assert "s3cret" not in told
    assert "robot7" not in told
    assert found["registry"] == {"address": "r.example.com", "credentials": "***"}
    assert "PLAIN=shown" in result.stdout


def test_a_spec_that_cannot_be_made_is_told_with_what_was_found(run, inspect, write_spec):
    folder = write_spec({"name": "x"}, "dependencies: [python=2.7]")

    result = run("inspect", folder)
    status, found, _ = inspect(folder)

    assert (result.returncode, status) == (2, 2)
    assert "name         x" in result.stdout
    assert "next" not in result.stdout
    assert found["environment"] is None
    assert found["error"]["place"] == "conda_dependencies.yml: dependencies[0]"
    assert f"error: {found['error']['message']}\n" in result.stderr


def test_a_file_that_cannot_be_read_is_one_line_in_either_format(run, inspect, write_spec):
    folder = write_spec("{")

    result = run("inspect", folder)
    status, found, _ = inspect(folder)

    assert (result.returncode, result.stdout, status) == (2, "", 2)
    assert result.stderr.startswith("error: ")
    assert "not JSON" in found["error"]["message"]


def test_the_next_commands_hold_what_the_file_tells(inspect, tmp_path):
    path = tmp_path / "deployment.yml"
    path.write_text(
        "endpoint_name: e\nenvironment: {image: 'mine:1'}\n"
        "code_configuration: {code: my code, scoring_script: score.py}\n"
    )

    _, found, _ = inspect(path)

    assert found["next"] == [
        f"scoredock up --spec {path} --source '{tmp_path}/my code' --entry-script score.py",
        f"scoredock render --spec {path} --output context",
        f"scoredock convert {path} --output environment",
    ]


def test_half_a_character_is_no_traceback(run, write_spec):
    result = run("inspect", write_spec(SPEC.replace('"x"', '"\\ud800"')))

    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_inspect_takes_another_installer(inspect, write_spec):
    _, found, _ = inspect(write_spec({}, "dependencies: [python=3.8, numpy]"), "--installer=pip")

    assert found["environment"]["installer"]["name"] == "pip"
