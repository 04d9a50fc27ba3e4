import pytest

from .builders import SPEC


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ('{"name": 3}', "error: azureml_environment.json: name: expected str, found int"),
        ('{"name": "x",}', "not JSON"),
        (SPEC.replace("python=3.11", "my numpy"), "found 'my numpy'"),
    ],
)
def test_a_wrong_spec_ends_with_2_and_one_line_that_is_no_traceback(
    run, write_spec, digits, spec, message
):
    result = run("render", "--spec", write_spec(spec), "--source", digits)

    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert (result.returncode, result.stdout) == (2, "")
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "--misspelled"],
        ["misspelled"],
        ["up", "--port", "0"],
        ["up", "--port", "65536"],
        ["up", "--worker-count", "many"],
        ["up", "--runtime", "podman"],
        ["score", "absent.json"],
    ],
)
def test_a_wrong_option_ends_with_2(run, arguments):
    result = run(*arguments)

    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("option", ["--ca-file", "--pip-config"])
def test_a_secret_that_is_not_there_ends_with_2_and_names_the_variable(
    run, write_spec, digits, option
):
    result = run("build", "--spec", write_spec(SPEC), "--source", digits, option, "absent")

    assert result.returncode == 2
    assert "error: absent: no such file" in result.stderr
    assert f"hint: set {option.lstrip('-').replace('-', '_').upper()}" in result.stderr


def test_a_wrong_template_ends_with_3(render, tmp_path):
    command, folder = render
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "Dockerfile.j2").write_text("FROM {{ env.nmae }}\n")

    result = command("--templates", tmp_path / "mine")

    assert result.returncode == 3
    assert f"error: {tmp_path}/mine/Dockerfile.j2:1: " in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in folder.iterdir()] == ["azureml_environment.json"]


def test_up_without_an_engine_ends_with_4_and_a_hint(run, write_spec, digits):
    result = run("up", "--runtime", "docker", "--spec", write_spec(SPEC), "--source", digits)

    assert result.returncode == 4
    assert "error: no Docker engine answers at unix:///nonexistent.sock" in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_start_period_is_found_before_anything_is_started(run, write_spec, digits):
    arguments = ["--spec", write_spec(SPEC), "--source", digits, "--start-period", "90"]

    result = run("up", "--runtime", "docker", *arguments)

    assert result.returncode == 2
    assert "START_PERIOD" in result.stderr


def test_notes_and_warnings_go_to_standard_error(run, write_spec, digits):
    spec = SPEC.replace("python=3.11", "python").replace('"name"', '"nmae"')

    result = run("render", "--spec", write_spec(spec), "--source", digits)

    assert result.returncode == 0
    assert "warning: azureml_environment.json: nmae: unknown key" in result.stderr
    assert "note: the spec names no version of Python" in result.stderr
    assert len(result.stdout.splitlines()) == 3


def test_score_with_nothing_listening_ends_with_1(run, tmp_path, port):
    (tmp_path / "request.json").write_text("{}")

    result = run("score", "--port", port, "request.json")

    assert result.returncode == 1
    assert f"error: http://127.0.0.1:{port}/score: nothing answers" in result.stderr


def test_logs_without_a_service_ends_with_1(run):
    result = run("logs")

    assert result.returncode == 1
    assert "error: no service runs here" in result.stderr


def test_down_without_a_service_is_no_error(run):
    result = run("down")

    assert (result.returncode, result.stdout) == (0, "nothing was running\n")


def test_a_misspelled_section_is_named_beside_the_error_that_it_causes(run, write_spec):
    folder = write_spec({"name": "x", "pyton": {"condaDependencies": {}}})

    failed = run("render", "--spec", folder)

    assert failed.returncode == 2
    assert "pyton: unknown key, ignored (the nearest known one is 'python')" in failed.stderr


def test_a_wrong_option_is_one_line_and_a_hint(run):
    failed = run("up", "--port", "99999")

    lines = failed.stderr.splitlines()
    assert failed.returncode == 2
    assert lines[0].startswith("error: Invalid value for '--port'")
    assert lines[1:] == [" hint: scoredock up --help"]
