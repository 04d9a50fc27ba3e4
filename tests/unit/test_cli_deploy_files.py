import json
import shutil
import subprocess

import pytest

from support import SCOREDOCK

DEPLOYMENT = """
name: blue
endpoint_name: Digits
model: azureml:greeting:1
code_configuration: {code: code, scoring_script: score.py}
environment: azureml:plain
environment_variables: {TOKEN: hunter2}
instance_count: 3
"""


@pytest.fixture
def ready(run, tmp_path):
    """The command, in a folder with a workspace, an entry script and the file of a deployment."""
    run("workspace", "init", "w")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): ...\ndef run(data): return data\n")
    (tmp_path / "model.txt").write_text("hello")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]")
    (tmp_path / "blue.yml").write_text(DEPLOYMENT)
    return lambda *arguments: run(*arguments, SCOREDOCK_WORKSPACE="w")


@pytest.fixture
def registered(ready):
    """The same, with model and environment in the workspace."""
    assert ready("model", "register", "model.txt", "--name", "greeting").returncode == 0
    assert ready("environment", "register", "conda.yml", "--name", "plain").returncode == 0
    return ready


def files_of(tmp_path):
    """Return all that lies below the folder but for the locks that readers make."""
    return {path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}


def test_a_dry_run_tells_what_would_be_served_and_writes_nothing(registered, tmp_path):
    before = files_of(tmp_path)

    told = registered("service", "deploy", "-f", "blue.yml", "--dry-run", "--json")

    assert told.returncode == 0, told.stderr
    data = json.loads(told.stdout)
    assert data["name"] == "digits-blue"
    assert data["action"] == "deploy"
    assert data["environment"]["python"] == "3.11"
    assert (data["entry_script"], data["models"]) == ("code/score.py", ["greeting:1"])
    assert data["variables"] == ["TOKEN"]
    assert "hunter2" not in told.stdout + told.stderr
    assert told.stderr == "note: blue.yml: instance_count has no effect on this machine\n"
    assert files_of(tmp_path) == before


def test_a_dry_run_for_a_person_is_a_table(registered):
    told = registered("service", "deploy", "-f", "blue.yml", "--dry-run")

    rows = dict(line.split(maxsplit=1) for line in told.stdout.splitlines())
    assert rows["name"] == "digits-blue"
    assert rows["models"] == "greeting:1"
    assert rows["environment"].startswith("name=plain spec=")


def test_options_win_over_what_the_file_says(registered, tmp_path):
    shutil.copytree(tmp_path / "code", tmp_path / "other")
    told = registered(
        "service", "deploy", "named", "-f", "blue.yml", "--dry-run", "--json", "--source", "other",
        "--no-models", "--variable", "MORE=1", "--port", "7001", "--tag", "a=b",
    )  # fmt: skip

    data = json.loads(told.stdout)
    assert (data["name"], data["entry_script"]) == ("named", "other/score.py")
    assert (data["models"], data["variables"]) == ([], ["MORE", "TOKEN"])
    assert (data["port"], data["tags"]) == (7001, {"a": "b"})


def test_a_script_without_a_source_directory_would_be_served_alone(registered, tmp_path):
    config = {"entryScript": "code/score.py", "runtime": "python", "condaFile": "conda.yml"}
    (tmp_path / "inferenceconfig.json").write_text(json.dumps(config))
    before = files_of(tmp_path)

    told = registered(
        "service", "deploy", "alone", "-f", "inferenceconfig.json", "-m", "greeting", "--dry-run",
        "--json",
    )  # fmt: skip

    assert json.loads(told.stdout)["entry_script"] == "code/score.py"
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [("environment", "plain", "environment"), ("model", "greeting", "model")],
)
def test_what_is_not_registered_is_said_with_the_command_that_does_it(
    registered, kind, name, place
):
    registered(kind, "delete", f"{name}:1")

    refused = registered("service", "deploy", "-f", "blue.yml")

    assert refused.returncode == 2
    assert f"error: blue.yml: {place}: " in refused.stderr
    assert f" hint: scoredock {kind} register PATH --name {name}\n" in refused.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("endpoint_name: Digits\n", "", "blue.yml: endpoint_name: expected a name for the service"),
        ("Digits", "<endpoint_name>", "blue.yml: endpoint_name: expected a name of 3 to 32"),
        ("Digits", "d" * 40, "blue.yml: endpoint_name: expected a name of 3 to 32"),
        ("azureml:greeting:1", "azureml:greeting:9", "blue.yml: model: "),
        ("azureml:greeting:1", "azureml:greeting:a", "blue.yml: model: greeting: expected a vers"),
        ("score.py", "none.py", "code: expected the entry script 'none.py', found score.py"),
        ("code: code", "code: none", "none: no such folder"),
    ],
)
def test_what_cannot_be_deployed_is_one_line(registered, tmp_path, old, new, message):
    (tmp_path / "blue.yml").write_text(DEPLOYMENT.replace(old, new))

    refused = registered("service", "deploy", "-f", "blue.yml", "--dry-run")

    assert refused.returncode == 2
    [line] = [line for line in refused.stderr.splitlines() if line.startswith("error:")]
    assert message in line
    assert "Traceback" not in refused.stderr


def test_without_a_file_a_service_needs_a_name(ready):
    refused = ready("service", "deploy", "--environment", "conda.yml", "--source", "code")

    assert refused.returncode == 2
    assert "Missing argument 'NAME', or a file that tells it: -f FILE" in refused.stderr


def test_a_first_deployment_needs_environment_and_script_in_a_dry_run_too(ready):
    refused = ready("service", "deploy", "named", "--environment", "conda.yml", "--dry-run")

    assert "named: expected an entry script to deploy, found none" in refused.stderr


def test_a_file_that_is_not_there_is_one_line(ready):
    refused = ready("service", "deploy", "-f", "none.yml")

    assert (refused.returncode, refused.stderr) == (2, "error: none.yml: not found\n")


@pytest.fixture
def complete(registered, tmp_path):
    """Press Tab in a real bash behind the words, and return what it offers."""
    if not shutil.which("bash"):
        pytest.skip("needs bash")
    script = """
        eval "$(scoredock completion bash)"
        read -ra spec <<< "$(complete -p scoredock)"
        for index in "${!spec[@]}"; do
            [[ ${spec[index]} == -F ]] && function=${spec[index + 1]}
        done
        compopt() { IFS=' ' && echo "compopt $*"; }
        COMP_WORDS=(scoredock "$@")
        COMP_CWORD=$#
        "$function" scoredock
        printf '%s\\n' "${COMPREPLY[@]}"
    """

    def complete(*words):
        return subprocess.run(
            ["bash", "--norc", "-c", script, "bash", *words],
            env={"PATH": f"{SCOREDOCK.parent}:/usr/bin:/bin", "SCOREDOCK_WORKSPACE": "w"},
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip

    return complete


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["serv"], ["service"]),
        (["co"], ["completion", "convert"]),
        (["service", "re"], ["reload"]),
        (["service", "deploy", "--dry"], ["--dry-run"]),
        (["service", "deploy", "--model", "g"], ["greeting"]),
        (["service", "deploy", "--environment", ""], ["plain"]),
        (["service", "deploy", "--model", "./mo"], ["compopt -o default", ""]),
        (["service", "show", "d"], ["digits"]),
        (["model", "show", ""], ["greeting"]),
        (["environment", "show", "pl"], ["plain"]),
        (["completion", "z"], ["zsh"]),
    ],
)
def test_bash_completes_commands_options_and_names(complete, tmp_path, words, offered):
    (tmp_path / "w" / "services" / "digits").mkdir(parents=True)
    (tmp_path / "w" / "services" / "digits" / "service.json").write_text("{}")

    completed = complete(*words)

    assert completed.stdout.splitlines() == offered
    assert completed.stderr == ""


def test_no_workspace_is_nothing_to_complete_and_says_nothing(complete, tmp_path):
    shutil.rmtree(tmp_path / "w")

    completed = complete("model", "show", "")

    assert (completed.stdout.strip(), completed.stderr) == ("", "")


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "complete -o nosort -F _scoredock_completion scoredock"),
        ("zsh", "#compdef scoredock"),
        ("fish", "complete --no-files --command scoredock"),
    ],
)
def test_every_shell_has_a_script(run, shell, line):
    printed = run("completion", shell)

    assert line in printed.stdout
    assert printed.stderr == ""


def test_versions_are_offered_behind_a_colon_as_zsh_and_fish_ask_for_them(ready, tmp_path):
    for _ in range(2):
        ready("model", "register", "model.txt", "--name", "greeting")

    offered = subprocess.run(
        [SCOREDOCK],
        env={
            "_SCOREDOCK_COMPLETE": "fish_complete", "COMP_WORDS": "scoredock model show greeting:",
            "COMP_CWORD": "greeting:", "SCOREDOCK_WORKSPACE": "w", "PATH": "/usr/bin:/bin",
        },
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "greeting:1" in offered.stdout
    assert "greeting:2" in offered.stdout
