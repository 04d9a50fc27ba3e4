import pytest

from scoredock.sdk import (
    ContainerRegistry,
    Environment,
    InferenceConfig,
    UserErrorException,
    WebserviceException,
)


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "score.py"
    path.write_text("def init(): ...\ndef run(data): return data\n")
    return path


@pytest.mark.calls("InferenceConfig")
def test_a_script_is_looked_for_in_the_source_directory(script, tmp_path):
    (tmp_path / "source").mkdir()
    script.rename(tmp_path / "source" / "score.py")

    InferenceConfig("score.py", source_directory="source", environment=Environment("mine"))

    with pytest.raises(WebserviceException, match=r"entry_script score\.py: no such file"):
        InferenceConfig("score.py", environment=Environment("mine"))


@pytest.mark.parametrize(
    ("name", "text", "kind", "message"),
    [
        ("score.txt", "", WebserviceException, "Invalid driver type"),
        ("my-score.py", "", UserErrorException, "cannot be imported"),
        ("class.py", "", UserErrorException, "cannot be imported"),
        ("score.py", "def init(:\n", UserErrorException, "cannot be parsed"),
    ],
)
def test_a_script_that_cannot_serve_is_refused(script, tmp_path, name, text, kind, message):
    (tmp_path / name).write_text(text)

    with pytest.raises(kind, match=message):
        InferenceConfig(name, environment=Environment("mine"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source_directory": "missing"}, "source_directory missing: no such folder"),
        ({"environment": Environment("mine"), "runtime": "python"}, "found both"),
        ({"environment": "mine"}, "environment: expected one"),
        ({"runtime": "r"}, "runtime: expected python"),
        ({"runtime": "python", "cuda_version": "11"}, "cuda_version: expected"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(script, arguments, message):
    with pytest.raises(WebserviceException, match=message):
        InferenceConfig("score.py", **arguments)


def test_the_older_arguments_become_an_environment(script, tmp_path):
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]")
    config = InferenceConfig(
        "score.py",
        runtime="python",
        conda_file="conda.yml",
        base_image="debian",
        base_image_registry=ContainerRegistry("registry.example.com"),
        enable_gpu=True,
    )

    made = config.environment_of("digits")

    assert made.name == "digits-env"
    assert made.python.conda_dependencies.python == "python=3.11"
    assert made.docker.base_image == "debian"
    assert made.docker.base_image_registry.address == "registry.example.com"
    assert made.docker.gpu_support is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected an environment"),
        ({"runtime": "spark-py"}, "found spark-py"),
        ({"runtime": "python", "extra_docker_file_steps": "x"}, "base_dockerfile"),
    ],
)
def test_what_makes_no_environment_is_said(script, arguments, message):
    with pytest.raises(UserErrorException, match=message):
        InferenceConfig("score.py", **arguments).environment_of("digits")


def test_a_script_without_a_folder_is_linked_to_and_nothing_beside_it_is_taken(script, tmp_path):
    (tmp_path / "other.py").write_text("")
    config = InferenceConfig("score.py", environment=Environment("mine"))

    code = config.code(tmp_path / "service")

    assert [path.name for path in code.source.iterdir()] == ["score.py"]
    assert (code.source / "score.py").resolve() == script
    assert (code.source_name, code.entry_script) == ("code", "score.py")


def test_an_inference_configuration_says_what_it_is(script):
    config = InferenceConfig("score.py", environment=Environment("mine"))

    assert "entry_script='score.py'" in repr(config)
