import json

import pytest

from scoredock.errors import SpecError
from scoredock.formats.service_files import read_service
from scoredock.formats.service_reading import ModelPath, Reference, Said

ENDPOINT = "$schema: https://example.com/managedOnlineEndpoint.schema.json\nname: Digits\n"
DEPLOYMENT = """
$schema: https://example.com/managedOnlineDeployment.schema.json
name: blue
endpoint_name: Digits
model: azureml:digits:3
code_configuration: {code: onlinescoring, scoring_script: score.py}
environment: azureml:tutorial-env@latest
"""
INFERENCE = {
    "entryScript": "score.py",
    "sourceDirectory": "source",
    "environment": {
        "name": "inline",
        "python": {"condaDependencies": {"dependencies": ["python=3.11"]}},
    },
}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read files, by their names and what they hold; `read.said` is what was said meanwhile."""
    monkeypatch.chdir(tmp_path)

    def read(given=(), **files):
        paths = []
        for name, content in files.items():
            suffix = ".json" if isinstance(content, dict) else ".yml"
            text = json.dumps(content) if isinstance(content, dict) else content
            (tmp_path / f"{name}{suffix}").write_text(text)
            paths.append(tmp_path / f"{name}{suffix}")
        read.said = Said()
        return read_service(paths, read.said, given=given)

    return read


@pytest.fixture
def refused(read):
    """Return the one line that files are refused with."""

    def refused(**files):
        with pytest.raises(SpecError) as caught:
            read(**files)
        return str(caught.value)

    return refused


def test_a_deployment_tells_name_environment_code_and_model(read, tmp_path):
    found = read(blue=DEPLOYMENT)

    assert found.name == "digits-blue"
    assert found.environment == Reference(text="tutorial-env", place="blue.yml: environment")
    assert (found.source, found.entry_script) == (tmp_path / "onlinescoring", "score.py")
    assert found.models == (Reference(text="digits:3", place="blue.yml: model"),)
    assert found.source_is_root


@pytest.mark.parametrize("order", [["blue", "endpoint"], ["endpoint", "blue"]])
def test_endpoint_and_deployment_are_told_apart_in_any_order(read, order):
    texts = {"blue": DEPLOYMENT.replace("endpoint_name: Digits\n", ""), "endpoint": ENDPOINT}

    assert read(**{name: texts[name] for name in order}).name == "digits-blue"


def test_one_file_may_hold_both(read):
    assert read(both=f"{ENDPOINT}---{DEPLOYMENT}---\n").name == "digits-blue"


def test_the_deployment_of_a_preview_stands_in_its_endpoint(read):
    inner = "deployments:\n- name: My_Blue\n  code_configuration:\n"
    inner += "    code: {local_path: .}\n    scoring_script: score.py\n"
    inner += "  environment: {name: tutorial-env, version: 2}\n"

    found = read(endpoint=ENDPOINT + inner)

    assert found.name == "digits-my-blue"
    assert found.environment.text == "tutorial-env:2"


def test_an_inline_environment_is_read_without_the_variables_of_the_service(read, tmp_path):
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]")
    inline = "environment: {image: python, conda_file: conda.yml}\n"
    text = DEPLOYMENT.replace("environment: azureml:tutorial-env@latest\n", inline)

    found = read(blue=f"{text}environment_variables: {{COLOUR: blue, COUNT: 07, ON: true}}\n")

    assert found.variables == {"COLOUR": "blue", "COUNT": "07", "ON": "True"}
    assert found.environment.spec.environment_variables is None
    assert [path.name for path in found.environment.files] == ["blue.yml", "conda.yml"]


@pytest.mark.parametrize("written", ["env.yml", "file:env.yml", "./env.yml"])
def test_an_environment_may_be_another_file(read, tmp_path, written):
    (tmp_path / "env.yml").write_text("name: other\nimage: python:3.11\n")

    found = read(blue=DEPLOYMENT.replace("azureml:tutorial-env@latest", written))

    assert found.environment.spec.name == "other"


@pytest.mark.parametrize(
    ("written", "name", "version"),
    [
        ("model", "model", "1"),
        ("{path: model/}", "model", "1"),
        ("{name: digits, version: 7, path: model}", "digits", "7"),
        ("{name: digits, version: 7, local_path: ./model}", "digits", "7"),
    ],
)
def test_a_model_by_path_has_the_name_and_version_that_stand_there(
    read, tmp_path, written, name, version
):
    (tmp_path / "model").mkdir()

    [model] = read(blue=DEPLOYMENT.replace("azureml:digits:3", written)).models

    assert model == ModelPath(
        path=tmp_path / "model", name=name, version=version, place="blue.yml: model"
    )


def test_settings_that_the_server_has_become_its_variables_and_a_variable_wins(read):
    settings = "request_settings: {request_timeout_ms: 90000}\n"

    plain = read(blue=DEPLOYMENT + settings)
    own = read(blue=f"{DEPLOYMENT}{settings}environment_variables: {{SCORING_TIMEOUT_MS: 5}}\n")

    assert plain.variables == {"SCORING_TIMEOUT_MS": "90000"}
    assert own.variables == {"SCORING_TIMEOUT_MS": "5"}


@pytest.mark.parametrize(
    ("probe", "period"),
    [
        ("{initial_delay: 180, period: 10, failure_threshold: 3}", "210s"),
        ("{initial_delay: 20}", "320s"),
        ("{initial_delay: 1, failure_threshold: 1}", "120s"),
    ],
)
def test_init_may_take_what_the_liveness_probe_waits_but_no_less_than_without(read, probe, period):
    assert read(blue=f"{DEPLOYMENT}liveness_probe: {probe}\n").start_period == period


def test_what_has_no_effect_is_said_once_for_each_file(read):
    read(
        blue=DEPLOYMENT + "instance_type: big\ninstance_count: 2\nscale_settings: {}\n",
        endpoint=ENDPOINT + "auth_mode: key\ntraffic: {blue: 100}\n",
    )

    assert [note.partition(" on this")[0] for note in read.said.notes] == [
        "blue.yml: instance_type, instance_count have no effect",
        "endpoint.yml: auth_mode has no effect",
        "endpoint.yml: traffic has no effect",
    ]
    assert read.said.warnings == []


def test_an_unknown_key_is_warned_of(read):
    read(blue=DEPLOYMENT + "instance_typ: big\n")

    assert read.said.warnings == ["blue.yml: instance_typ: unknown key, ignored"]


def test_keys_in_another_spelling_are_read_and_warned_of(read):
    found = read(blue=DEPLOYMENT.replace("scoring_script", "scoringScript"))

    assert found.entry_script == "score.py"
    assert "read scoringScript as scoring_script" in read.said.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "azureml:digits:3",
            "azureml://registries/r/models/m",
            "blue.yml: model: .*lies elsewhere",
        ),
        ("azureml:digits:3", "azureml:digits@best", "model: expected azureml:NAME:VERSION or"),
        ("azureml:digits:3", "models/none", "model: names 'models/none', which is not there"),
        ("azureml:digits:3", "{{MODEL}}", "placeholder {{MODEL}} is not filled in"),
        ("azureml:digits:3", "[a]", "blue.yml: model: expected text, found a list"),
        ("azureml:digits:3", "{path: ., version: x}", "model.version: expected a whole number"),
        ("code: onlinescoring", "code: azureml:code:1", "code: expected a folder of this machine"),
        ("code: onlinescoring, ", "", "expected code and scoring_script.*found score.py"),
        ("azureml:tutorial-env@latest", "none.yml", "environment: names 'none.yml'"),
        ("azureml:tutorial-env@latest", "", "environment: expected an environment, found none"),
        ("name: blue", "name: blue\nmini_batch_size: 3", "blue.yml: a batch deployment"),
        ("name: blue", "name: {a: b}", "blue.yml: name: expected text, found an object"),
        ("azureml:digits:3", "m" * 300, "blue.yml: model: expected a path, found a name that no"),
        ("code: onlinescoring", 'code: "a\\0"', "code: holds a character that no variable"),
        ("name: blue", "request_settings: 3", "request_settings: expected an object, found '3'"),
        ("name: blue", "environment_variables: {A: [1]}", "environment_variables.A: expected text"),
        ("name: blue", 'environment_variables: {A: "\\0"}', "holds a character that no variable"),
        (
            "name: blue",
            "request_settings: {request_timeout_ms: soon}",
            "request_settings.request_timeout_ms: expected a whole number, found 'soon'",
        ),
    ],
)
def test_a_deployment_is_refused_with_its_place(read, old, new, message):
    with pytest.raises(SpecError, match=message):
        read(blue=DEPLOYMENT.replace(old, new, 1))


def test_two_of_a_kind_and_both_generations_are_refused(refused):
    assert "expected one deployment, found 2: blue.yml, green.yml" in refused(
        blue=DEPLOYMENT, green=DEPLOYMENT
    )
    assert "stands beside inference.json: one is of v1, the other of v2" in refused(
        blue=DEPLOYMENT, inference=INFERENCE
    )


def test_a_deployment_of_another_endpoint_is_refused(refused):
    other = ENDPOINT.replace("Digits", "Letters")

    assert "expected the endpoint of endpoint.yml, 'Letters', found 'Digits'" in refused(
        blue=DEPLOYMENT, endpoint=other
    )


def test_files_that_do_not_say_what_to_serve_are_refused(refused):
    assert "an endpoint, which says nothing of what" in refused(endpoint=ENDPOINT)
    assert "a deployment configuration, which says nothing" in refused(a={"computeType": "local"})
    assert "an environment or a model, which says nothing" in refused(a="image: python\n")
    assert "not a form of a deployment" in refused(a="greeting: hello\n")
    assert "not a form of a deployment" in refused(a="- 1\n")
    assert "holds nothing" in refused(a="# nothing\n")


def test_what_an_option_gives_is_not_read(read):
    text = DEPLOYMENT.replace("azureml:digits:3", "none").replace("onlinescoring", "azureml:c:1")
    text = text.replace("azureml:tutorial-env@latest", "none.yml")

    found = read(given=["environment", "source", "models"], blue=text)

    assert (found.environment, found.source, found.models) == (None, None, None)


def test_an_inference_configuration_tells_environment_and_code(read, tmp_path):
    found = read(inference=INFERENCE | {"description": "a service"})

    assert (found.source, found.entry_script) == (tmp_path / "source", "score.py")
    assert (found.environment.spec.name, found.description) == ("inline", "a service")
    assert (found.name, found.models, found.source_is_root) == ("", None, False)


def test_a_script_without_a_source_directory_is_served_alone(read, tmp_path):
    found = read(inference=INFERENCE | {"sourceDirectory": None})

    assert (found.source, found.entry_script) == (None, str(tmp_path / "score.py"))


def test_the_older_keys_stand_for_an_environment(read, tmp_path):
    (tmp_path / "myenv.yml").write_text("dependencies: [python=3.11]")

    found = read(old={"entryScript": "s.py", "runtime": "python", "condaFile": "myenv.yml"})

    assert found.environment.spec.python.conda_dependencies.dependencies == ("python=3.11",)


def test_a_deployment_configuration_beside_it_is_read_and_one_that_is_named_wins(read, tmp_path):
    (tmp_path / "deploymentConfig.json").write_text('{"computeType": "Local", "port": 6789}')

    beside = read(inference=INFERENCE)
    notes = read.said.notes
    named = read(inference=INFERENCE, other={"computeType": "local", "port": 32000})

    assert (beside.port, named.port) == (6789, 32000)
    assert notes == ["deploymentConfig.json beside inference.json is read"]


def test_a_configuration_of_the_cloud_is_read_as_local_and_says_what_has_no_effect(read):
    config = {
        "computeType": "AKS", "port": 80, "numReplicas": 3, "primaryKey": "hunter2",
        "authEnabled": True, "scoringTimeoutMs": 9000, "tags": {"a": 1},
        "livenessProbeRequirements": {"initialDelaySeconds": 200, "periodSeconds": 1,
                                      "failureThreshold": 1},
    }  # fmt: skip

    found = read(inference=INFERENCE, config=config)

    assert (found.port, found.start_period, found.tags) == (None, "201s", {"a": "1"})
    assert found.variables == {"SCORING_TIMEOUT_MS": "9000"}
    assert read.said.notes[:3] == [
        "config.json: computeType: AKS is read as local: the service runs on this machine",
        "config.json: primaryKey, numReplicas, port have no effect on this machine",
        "config.json: authEnabled has no effect on this machine: the service asks nobody for a "
        "key, and listens on this machine alone unless --bind opens it",
    ]
    assert "hunter2" not in str(read.said)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"computeType": "moon"}, "config.json: computeType: expected local, found moon"),
        ({"computeType": None}, "computeType: expected local, found nothing"),
        ({"computeType": "local", "port": "x"}, "port: expected a whole number, found 'x'"),
        ({"computeType": "local", "port": 70000}, "port: expected a port from 1 to 65535"),
        ({"computeType": "local", "port": True}, "port: expected a whole number, found True"),
    ],
)
def test_a_deployment_configuration_is_refused_with_its_place(refused, config, message):
    assert message in refused(inference=INFERENCE, config=config)


def test_an_inference_configuration_without_a_script_is_refused(refused):
    message = refused(inference=INFERENCE | {"entryScript": ""})

    assert message == "inference.json: entryScript: expected an entry script, found none"
