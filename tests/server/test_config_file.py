import json

import pytest
import requests

from serving import ECHO, EVALUATE, covers, run_command, running, write_files


def info(server):
    url = server.wait_until_ready().url
    return requests.get(f"{url}/swagger.json", timeout=20).json()["info"]


@covers("AZUREML_CONFIG_FILE")
def test_the_file_that_is_named_wins_over_the_one_in_the_root_and_that_over_the_scripts(tmp_path):
    files = {
        "code/config.json": '{"SERVICE_NAME": "beside", "SERVICE_VERSION": "beside"}',
        "config.json": '{"SERVICE_NAME": "root"}',
        "other/named.json": '{"SERVICE_NAME": "named"}',
    }
    variables = [{"AZUREML_CONFIG_FILE": "other/named.json"}, {}]

    found = []
    for names in variables:
        with running(tmp_path, ECHO, files=files, **names) as server:
            found.append(info(server))
    (tmp_path / "azureml-app" / "config.json").unlink()
    with running(tmp_path, ECHO) as server:
        found.append(info(server))

    assert [each["title"] for each in found] == ["named", "root", "beside"]
    assert [each["version"] for each in found] == ["1.0", "1.0", "beside"]


def test_values_of_every_json_type_count_and_the_environment_wins(tmp_path):
    settings = {
        "WORKER_COUNT": 2,
        "SCORING_TIMEOUT_MS": "70",
        "SERVICE_NAME": "of the file",
        "SERVICE_VERSION": 3,
        "SCOREDOCK_NAN_AS_NULL": True,
        "HTTP_X_MS_SERVER_VERSION": None,
        "AZUREML_MODEL_DIR": "models/given",
        "WORKSPACE_NAME": "w",
        "SERVICE_TITLE": "x",
        "service_path_prefix": "y",
    }
    environment = {"SERVICE_NAME": "of the environment", "SERVICE_VERSION": ""}
    files = {"config.json": json.dumps(settings)}
    with running(tmp_path, EVALUATE, files=files, **environment) as server:
        server.wait_until_ready()

        assert info(server)["title"] == "of the environment"
        assert info(server)["version"] == "3"
        assert server.score("[float('nan')]").json() == [None]
        assert server.score("os.environ['AZUREML_MODEL_DIR']").json() == "models/given"
        assert server.score("time.sleep(5)").json() == {"message": "Scoring timeout after 70 ms"}
        assert server.log().count("Booting worker") == 2
        assert "config.json: unknown settings: SERVICE_TITLE, service_path_prefix" in server.log()
        assert "WORKSPACE_NAME: without effect here" in server.log()


def test_the_entry_script_may_be_named_in_the_file_alone(tmp_path):
    write_files(
        tmp_path,
        {
            "app/src/main_script.py": ECHO,
            "app/settings.json": '{"AZUREML_ENTRY_SCRIPT": "src/main_script.py"}',
        },
    )

    checked = run_command(
        *["--config_file", "app/settings.json", "--check"],
        cwd=tmp_path,
        AML_APP_ROOT=str(tmp_path / "app"),
    )

    assert checked.returncode == 0, checked.stderr
    assert str(tmp_path / "app" / "src" / "main_script.py") in checked.stdout


def test_a_file_that_names_no_entry_script_stands_for_main_py_in_the_root(tmp_path):
    write_files(tmp_path, {"main.py": ECHO, "settings.json": "{}"})

    checked = run_command("--config-file", "settings.json", "--check", cwd=tmp_path)

    assert checked.returncode == 0, checked.stderr
    assert str(tmp_path / "main.py") in checked.stdout


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_is_no_file(tmp_path, text):
    write_files(tmp_path, {"score.py": ECHO, "config.json": text})

    checked = run_command("--entry-script", "score.py", "--check", cwd=tmp_path)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("text", "status", "parts"),
    [
        ('{"WORKER_COUNT": ', 3, ["config.json: not JSON: "]),
        ("[1]", 3, ["config.json: expected an object"]),
        ("\xff", 3, ["config.json: not JSON: "]),
        ('{"SCORING_TIMEOUT_MS": "soon"}', 3, ["SCORING_TIMEOUT_MS='soon': expected a whole"]),
        ('{"SCOREDOCK_NAN_AS_NULL": [1]}', 3, ["SCOREDOCK_NAN_AS_NULL='[1]': expected true or"]),
        ('{"WORKER_COUNT": 0}', 1, ["WORKER_COUNT='0': expected a whole number, 1 or more"]),
    ],
)
def test_a_wrong_file_ends_the_server_with_one_line(tmp_path, text, status, parts):
    write_files(tmp_path, {"score.py": ECHO})
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))

    ended = run_command("--entry-script", "score.py", cwd=tmp_path)

    assert ended.returncode == status
    lines = (ended.stdout + ended.stderr).splitlines()
    assert len(lines) == 1, lines
    assert all(part in lines[0] for part in parts)
