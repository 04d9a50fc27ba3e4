from pathlib import Path

import pytest

from scoredock import process

from .builders import CODE, resolved

PREFIX = Path("/state/environments/0123")


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "AZUREML_MODEL_DIR",
        "AML_APP_ROOT_OLD",
        "PYTHONPATH",
        "PYTHONHOME",
        "VIRTUAL_ENV",
        "GUNICORN_CMD_ARGS",
    ],
)
def test_what_a_container_would_not_see_of_the_host_is_hidden(monkeypatch, name):
    monkeypatch.setenv(name, "of the host")

    variables = process.service_variables(CODE, resolved(), PREFIX, bind="127.0.0.1", port=6789)

    assert name not in variables


def test_the_contract_is_set_and_the_environments_programs_come_first(monkeypatch, state):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("AZUREML_ENTRY_SCRIPT", "of the host")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")

    variables = process.service_variables(CODE, resolved(), PREFIX, bind="127.0.0.1", port=8080)

    assert variables["PATH"] == f"{PREFIX}/bin:/usr/bin:/bin"
    assert variables["HTTPS_PROXY"] == "http://proxy.example.com"
    assert variables["AML_APP_ROOT"] == f"{state}/azureml-app"
    assert variables["AZUREML_CONDA_ENVIRONMENT_PATH"] == str(PREFIX)
    assert variables["AZUREML_SOURCE_DIRECTORY"] == "digits"
    assert variables["AZUREML_ENTRY_SCRIPT"] == "digits/score.py"
    assert variables["GREETING"] == "hello"


@pytest.mark.parametrize(
    ("bind", "address"), [("127.0.0.1", "127.0.0.1:8080"), ("::1", "[::1]:8080")]
)
def test_the_server_is_told_where_to_listen(bind, address):
    variables = process.service_variables(CODE, resolved(), PREFIX, bind=bind, port=8080)

    assert variables["SCOREDOCK_BIND"] == address


def test_the_spec_may_set_the_workers_but_not_the_entry_script():
    env = resolved(variables=(("WORKER_COUNT", "2"), ("AZUREML_ENTRY_SCRIPT", "main.py")))

    variables = process.service_variables(CODE, env, PREFIX, bind="127.0.0.1", port=6789)

    assert variables["WORKER_COUNT"] == "2"
    assert variables["AZUREML_ENTRY_SCRIPT"] == "digits/score.py"
