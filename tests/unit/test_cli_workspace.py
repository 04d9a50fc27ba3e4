import json
from pathlib import Path

import pytest

CONDA = "name: tutorial-env\ndependencies: [python=3.8, {pip: [numpy]}]\n"


@pytest.fixture
def ready(run, tmp_path):
    """The command, in a folder with a workspace, a model and an environment to register."""
    (tmp_path / "ridge.pkl").write_bytes(b"ridge")
    (tmp_path / "conda.yml").write_text(CONDA)
    assert run("workspace", "init").returncode == 0
    return run


def done(result):
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
    return result.stdout


def test_a_workspace_is_made_and_shown(run, tmp_path):
    first = done(run("workspace", "init", "w", "--name", "mine"))
    second = done(run("workspace", "init", "w"))
    shown = json.loads(done(run("workspace", "show", "--workspace", "w", "--json")))

    assert first == second == f"{tmp_path}/w\n"
    assert (shown["name"], shown["folder"]) == ("mine", f"{tmp_path}/w")
    assert shown["models"] == {"names": 0, "versions": 0}


def test_the_variable_names_the_workspace_and_the_option_wins(run, tmp_path):
    for name in ("a", "b"):
        done(run("workspace", "init", name))

    by_variable = done(run("workspace", "show", SCOREDOCK_WORKSPACE="a"))
    by_option = done(run("workspace", "show", "--workspace", "b", SCOREDOCK_WORKSPACE="a"))

    assert f"{tmp_path}/a" in by_variable
    assert f"{tmp_path}/b" in by_option


@pytest.mark.parametrize(
    "arguments",
    [
        ["workspace", "show"],
        ["model", "list"],
        ["model", "register", "ridge.pkl", "--name", "m"],
        ["environment", "list"],
        ["environment", "register", "conda.yml"],
    ],
)
def test_without_a_workspace_the_command_that_makes_one_is_the_hint(run, arguments):
    result = run(*arguments)

    assert (result.returncode, result.stdout) == (2, "")
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: no workspace: ")
    assert hint == " hint: make one: scoredock workspace init"


def test_a_model_from_register_to_delete(ready, tmp_path):
    tagged = ["--tag", "area=health", "--property", "run=7", "--framework", "ScikitLearn"]
    assert done(ready("model", "register", "ridge.pkl", "--name", "diabetes", *tagged)) == (
        "diabetes:1\n"
    )
    assert done(ready("model", "register", "ridge.pkl", "--name", "diabetes")) == "diabetes:2\n"
    listed = done(ready("model", "list")).splitlines()
    assert [line.split()[0] for line in listed] == ["diabetes:1", "diabetes:2"]
    assert "ScikitLearn  area=health" in listed[0]
    assert done(ready("model", "list", "--tag", "area=x")) == ""
    assert done(ready("model", "list", "--tag", "area", "--framework", "ScikitLearn"))

    changed = ["--tag", "stage=live", "--remove-tag", "area", "--description", "good"]
    assert done(ready("model", "update", "diabetes:1", *changed, "--property", "more=1"))
    shown = json.loads(done(ready("model", "show", "diabetes:1", "--json")))
    assert (shown["tags"], shown["description"]) == ({"stage": "live"}, "good")
    assert shown["properties"] == {"run": "7", "more": "1"}
    assert "stage=live" in done(ready("model", "show", "diabetes:1"))

    assert done(ready("model", "verify")) == "diabetes:1: ok\ndiabetes:2: ok\n"
    assert done(ready("model", "download", "diabetes:1", "--target-dir", "here")) == (
        "here/ridge.pkl\n"
    )
    assert (tmp_path / "here" / "ridge.pkl").read_bytes() == b"ridge"

    assert done(ready("model", "delete", "diabetes:2")) == "diabetes:2\n"
    assert json.loads(done(ready("model", "list", "--json")))[0]["id"] == "diabetes:1"
    assert done(ready("model", "register", "ridge.pkl", "--name", "diabetes")) == "diabetes:3\n"


def test_a_model_travels_in_one_file(ready, tmp_path):
    done(ready("model", "register", "ridge.pkl", "--name", "m", "--tag", "a=b"))

    assert done(ready("model", "export", "m")) == "m-1.tar\n"
    done(ready("workspace", "init", "other"))
    result = ready("model", "import", "m-1.tar", "--workspace", "other", "--json")

    assert json.loads(done(result))["tags"] == {"a": "b"}
    assert "==> imported m:1: 1 file, 5 B in " in result.stderr
    assert done(ready("model", "verify", "m", "--workspace", "other")) == "m:1: ok\n"


def test_a_difference_ends_with_1_and_a_line(ready):
    done(ready("model", "register", "ridge.pkl", "--name", "m"))
    done(ready("model", "register", "ridge.pkl", "--name", "m"))
    path = json.loads(done(ready("model", "show", "m:1", "--json")))["path"]
    Path(path).write_bytes(b"other")

    result = ready("model", "verify")
    as_json = ready("model", "verify", "m:1", "--json")

    assert (result.returncode, result.stdout) == (1, "m:1: changed: ridge.pkl\nm:2: ok\n")
    assert "error: not as registered: m:1" in result.stderr
    assert json.loads(as_json.stdout) == [
        {"id": "m:1", "ok": False, "missing": [], "extra": [], "changed": ["ridge.pkl"]}
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["register", "absent", "--name", "m"], "absent: no such file or folder"),
        (["register", "ridge.pkl"], "Missing option '--name'"),
        (["register", "ridge.pkl", "--name", "-m"], "expected the name of a model"),
        (["register", "ridge.pkl", "--name", "m", "--tag", "a"], "expected a tag as KEY=VALUE"),
        (["register", "ridge.pkl", "--name", "m", "--framework", "x"], "is not one of 'Custom'"),
        (["register", "ridge.pkl", "--name", "m", "--framework-version", "1"], "a framework with"),
        (["show", "absent"], "no model 'absent'"),
        (["show", "a:x"], "expected a version as in a:1, found 'x'"),
        (["delete", "m"], "expected NAME:VERSION, found 'm'"),
        (["verify", "absent:1"], "no model 'absent'"),
        (["import", "ridge.pkl"], "expected a file of `scoredock model export`"),
        (["import", "absent"], "absent: no such file"),
        (["list", "--tag", "=x"], "expected KEY or KEY=VALUE, found '=x'"),
    ],
)
def test_wrong_input_ends_with_2_and_one_line(ready, arguments, message):
    result = ready("model", *arguments)

    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert (result.returncode, result.stdout) == (2, "")
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in result.stderr


def test_an_environment_from_register_to_delete(ready, tmp_path):
    assert done(ready("environment", "register", "conda.yml")) == "tutorial-env:1\n"
    assert done(ready("environment", "register", "conda.yml")) == "tutorial-env:1\n"
    (tmp_path / "conda.yml").write_text(CONDA.replace("3.8", "3.9"))
    assert done(ready("environment", "register", "conda.yml", "--name", "e")) == "e:1\n"
    listed = done(ready("environment", "list")).splitlines()
    assert [line.split()[0] for line in listed] == ["e:1", "tutorial-env:1"]

    shown = json.loads(done(ready("environment", "show", "e", "--json")))
    assert shown["files"] == ["azureml_environment.json", "conda_dependencies.yml"]
    assert "python=3.9" in (Path(shown["folder"]) / "conda_dependencies.yml").read_text()
    assert "saved environment" in done(ready("inspect", shown["folder"]))

    assert done(ready("environment", "download", "e", "--output", "edited")) == "edited\n"
    assert (tmp_path / "edited" / "conda_dependencies.yml").is_file()
    assert done(ready("environment", "delete", "e:1")) == "e:1\n"
    assert ready("environment", "show", "e").returncode == 2


def test_what_a_person_wrote_into_a_tag_does_not_reach_the_terminal_as_a_command(ready):
    done(ready("model", "register", "ridge.pkl", "--name", "m", "--tag", "a=\x1b[31m\nb"))

    assert "\x1b" not in done(ready("model", "list")) + done(ready("model", "show", "m"))
    assert len(done(ready("model", "list")).splitlines()) == 1
