import pytest

from scoredock.errors import SpecError
from scoredock.formats import read_spec
from scoredock.resolve import resolve

from .builders import spec

CONDA = "python.condaDependencies"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (spec("python=3.8", "numpy 1.18 py38 0"), f"{CONDA}.dependencies[1]"),
        (spec("python=3.8", "conda-forge::numpy>=1,<1,16"), f"{CONDA}.dependencies[1]"),
        (spec("python=abc"), f"{CONDA}.dependencies[0]"),
        (spec("pip", "python=2.7"), f"{CONDA}.dependencies[1]"),
        (spec("python=3.8", {"pip": ["a", "b\nc"]}), f"{CONDA}.dependencies[1].pip[1]"),
        (spec("python=3.8", {"pip": ["a\r"]}), f"{CONDA}.dependencies[1].pip[0]"),
        (spec(environmentVariables={"A": "b\nRUN c"}), "environmentVariables.A"),
        (spec(environmentVariables={"A": "b\rc"}), "environmentVariables.A"),
        (spec(environmentVariables={"A": "b\0c"}), "environmentVariables.A"),
        (spec(environmentVariables={"A B": "c"}), "environmentVariables.A B"),
        (spec(environmentVariables={"1A": "c"}), "environmentVariables.1A"),
        (spec(environmentVariables={"A=B": "c"}), "environmentVariables.A=B"),
        (spec(environmentVariables={"": "c"}), "environmentVariables."),
        (spec(docker={"baseDockerfile": "RUN x"}), "docker.baseDockerfile"),
        (spec(docker={"baseDockerfile": "FROM x\nnonsense"}), "docker.baseDockerfile:2"),
        (spec(docker={"baseImage": "an image"}), "docker.baseImage"),
        (spec(docker={"platform": {"os": "Windows"}}), "docker.platform.os"),
        (spec(docker={"platform": {"architecture": "a b"}}), "docker.platform.architecture"),
        (spec(docker={"shmSize": "lots"}), "docker.shmSize"),
        (spec(docker={"arguments": ["--ulimit", "x"]}), "docker.arguments[0]"),
        (spec(docker={"buildContext": {"location": "u"}}), "docker.buildContext"),
        (spec(python={"userManagedDependencies": True}), "docker.baseImage"),
        (
            spec(python={"userManagedDependencies": True}, docker={"baseImage": None}),
            "docker.baseImage",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_where_it_stands(written, path):
    with pytest.raises(SpecError) as caught:
        resolve(written)

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (spec(name="x\nRUN evil"), "name"),
        (spec(version="1\nRUN evil"), "version"),
        (spec(docker={"baseImage": "x\nRUN evil"}), "docker.baseImage"),
        (
            spec(
                python={"userManagedDependencies": True, "interpreterPath": "x\nRUN evil"},
                docker={"baseImage": "x"},
            ),
            "python.interpreterPath",
        ),
    ],
)
def test_a_line_break_cannot_enter_the_dockerfile(written, path):
    with pytest.raises(SpecError) as caught:
        resolve(written)

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (
            r'{"name": "\ud800", "python": {"condaDependencies": {}}}',
            "azureml_environment.json: name",
        ),
        (
            r'{"environmentVariables": {"A": "\ud800"}, "python": {"condaDependencies": {}}}',
            "azureml_environment.json: environmentVariables.A",
        ),
    ],
)
def test_half_a_character_which_no_file_can_hold_is_refused(write_spec, written, path):
    folder = write_spec(written)

    with pytest.raises(SpecError) as caught:
        resolve(read_spec(folder)[0])

    assert caught.value.path == path


def test_a_problem_of_the_conda_file_names_that_file(write_spec):
    written, _ = read_spec(write_spec({"python": {}}, "dependencies: [python=3.8, my numpy]"))

    with pytest.raises(SpecError) as caught:
        resolve(written)

    assert caught.value.path == "conda_dependencies.yml: dependencies[1]"


def test_a_python_that_is_too_old_is_refused_with_the_range_that_is_not():
    with pytest.raises(SpecError, match=r"expected a version from 3\.6 to 3\.\d+, found .*2\.7"):
        resolve(spec("python=2.7"))


def test_a_package_to_keep_that_nothing_replaces_is_refused_with_those_that_are():
    with pytest.raises(SpecError, match="found azureml-defalts") as caught:
        resolve(spec(), keep=["azureml-defalts"])

    assert "azureml-defaults or azureml-inference-server-http" in str(caught.value)
