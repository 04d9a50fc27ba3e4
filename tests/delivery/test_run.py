"""`scoredock run` and `scoredock shell`: the model in the environment on this machine."""

import json
from pathlib import Path

import pytest

from support import ROOT

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Where the environments of all these tests are made, once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def environment(environment, state):
    own = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "BASE_IMAGE": ""}
    return environment | own | {"SCOREDOCK_STATE": str(state)}


@pytest.fixture
def options(plain_spec, source):
    return ["--spec", plain_spec, "--source", source]


def test_the_example_is_scored_without_docker_and_without_a_port(scoredock):
    scored = scoredock("run", DIGITS / "sample-request.json")

    assert (scored.returncode, scored.stdout) == (0, "[2]\n"), scored.stderr
    assert "Listening" not in scored.stderr


def test_each_file_has_a_line_and_what_fails_is_named(scoredock, options, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text("[1, 2]")
    bad.write_text("no JSON")

    scored = scoredock("run", *options, good, bad, "-", stdin="3")

    lines = scored.stdout.splitlines()
    assert scored.returncode == 1
    assert [json.loads(lines[0]), json.loads(lines[2])] == [["hello", [1, 2]], ["hello", 3]]
    assert list(json.loads(lines[1])) == ["message"]
    assert len(lines) == 3
    assert f"{bad} was answered with 500" in scored.stderr
    assert "JSONDecodeError" in scored.stderr
    assert scored.stderr.count("Invoking user's init function") == 1


def test_what_a_script_prints_is_not_among_the_answers(scoredock, options, source):
    with (source / "score.py").open("a") as script:
        script.write(
            "import subprocess, sys\n"
            "print('printed')\n"
            "sys.stdout.write('written\\n')\n"
            "subprocess.run(['echo', 'by a child'])\n"
        )

    scored = scoredock("run", *options, stdin="3")

    assert scored.stdout == '["hello", 3]\n'
    assert {"written", "by a child"} <= set(scored.stderr.splitlines())
    assert "azmlinfsrv.print - printed" in scored.stderr


def test_an_init_that_fails_is_one_line_below_its_traceback(scoredock, options, source):
    (source / "score.py").write_text("def init(): raise KeyError('gone')\ndef run(x): pass\n")

    scored = scoredock("run", *options, stdin="3")

    assert (scored.returncode, scored.stdout) == (4, "")
    assert "KeyError: 'gone'" in scored.stderr
    assert "error: plain/score.py ended with exit code 3" in scored.stderr


def test_a_shell_sees_what_the_entry_script_sees_in_the_folder_it_is_opened_in(
    scoredock, options, environment
):
    script = "import json, os, sys; print(json.dumps([sys.prefix, os.getcwd(), dict(os.environ)]))"

    shown = scoredock("shell", *options, "--", "python", "-c", script)

    assert shown.returncode == 0, shown.stderr
    prefix, folder, variables = json.loads(shown.stdout)
    root = variables["AML_APP_ROOT"]
    assert prefix.startswith(f"{environment['SCOREDOCK_STATE']}/environments/")
    assert folder == str(ROOT)
    assert variables["VIRTUAL_ENV"] == prefix
    assert variables["PATH"].split(":")[0] == f"{prefix}/bin"
    assert variables["AZUREML_MODEL_DIR"] == f"{root}/azureml-models/greeting/1"
    assert Path(variables["AZUREML_MODEL_DIR"], "greeting.txt").read_text() == "hello"
    assert Path(root, variables["AZUREML_ENTRY_SCRIPT"]).is_file()


def test_a_shell_is_the_users_own_and_its_exit_status_is_the_commands(scoredock, options):
    opened = scoredock("shell", *options, stdin='echo "$0 here"; exit 7', SHELL="/bin/bash")
    ended = scoredock("shell", *options, "--", "sh", "-c", "kill -TERM $$")
    unknown = scoredock("shell", *options, "--", "no-such-command")

    assert (opened.returncode, opened.stdout) == (7, "/bin/bash here\n")
    assert "note: a shell in plain with plain/score.py" in opened.stderr
    assert ended.returncode == -15
    assert unknown.returncode == 127


def test_a_service_is_scored_with_what_it_has(scoredock, source, plain_spec, tmp_path, environment):
    workspace = {"SCOREDOCK_WORKSPACE": str(tmp_path / "workspace")}
    name = environment["COMPOSE_PROJECT_NAME"]
    scoredock("workspace", "init", tmp_path / "workspace")
    deployed = scoredock(
        "service", "deploy", name, "--environment", plain_spec, "--source", source, "--runtime",
        "process", "--model", source / "models" / "greeting" / "1" / "greeting.txt", **workspace,
    )  # fmt: skip
    assert deployed.returncode == 0, deployed.stderr
    try:
        (source / "score.py").write_text("def init(): pass\ndef run(x): return 'changed'\n")

        scored = scoredock("run", "--service", name, stdin="3", **workspace)
        both = scoredock("run", "--service", name, "--source", source, stdin="3", **workspace)
    finally:
        scoredock("service", "delete", name, **workspace)

    assert (scored.returncode, scored.stdout) == (0, '["hello", 3]\n'), scored.stderr
    assert both.returncode == 2
    assert "error: expected --service or --source, found both" in both.stderr


def test_a_file_that_is_not_there_is_said_before_anything_is_made(scoredock, options, tmp_path):
    scored = scoredock("run", *options, tmp_path / "no.json")

    assert scored.returncode == 2
    assert "no.json' does not exist" in scored.stderr
    assert "making" not in scored.stderr
