import json
import os

import pytest
import yaml

from scoredock.sdk import (
    CondaDependencies,
    ContainerRegistry,
    DockerBuildContext,
    Environment,
    UserErrorException,
)
from scoredock.sdk.sections import DockerSection


@pytest.fixture
def conda_file(tmp_path):
    path = tmp_path / "conda.yml"
    path.write_text("dependencies: [python=3.11, {pip: [joblib]}]")
    return path


def python_of(environment: Environment) -> str | None:
    return environment.python.conda_dependencies.python


@pytest.mark.calls("Environment", "Environment.save_to_directory", "ContainerRegistry")
def test_a_new_environment_is_saved_as_the_reference_saves_it(tmp_path):
    Environment("default-env").save_to_directory(tmp_path / "env")

    data = json.loads((tmp_path / "env" / "azureml_environment.json").read_text())
    # In the reference: its own image, and an example variable.
    assert data["docker"]["baseImage"] is None
    assert data["environmentVariables"] == {}
    assert list(data) == [
        "name", "version", "environmentVariables", "python", "docker", "spark", "databricks", "r",
        "inferencingStackVersion", "assetId",
    ]  # fmt: skip
    assert data["python"] == {
        "userManagedDependencies": False,
        "interpreterPath": "python",
        "condaDependenciesFile": None,
        "baseCondaEnvironment": None,
    }
    assert list(data["docker"]) == [
        "enabled", "baseImage", "baseDockerfile", "buildContext", "sharedVolumes", "shmSize",
        "arguments", "baseImageRegistry", "platform",
    ]  # fmt: skip
    assert data["docker"]["platform"] == {"os": "Linux", "architecture": "amd64"}
    conda = yaml.safe_load((tmp_path / "env" / "conda_dependencies.yml").read_text())
    assert conda["dependencies"] == ["python=3.8.13", {"pip": ["azureml-defaults"]}]


@pytest.mark.calls("Environment.load_from_directory")
def test_what_is_saved_loads_and_saves_again_the_same(tmp_path):
    environment = Environment("mine")
    environment.environment_variables = {"GREETING": "hello", "NUMBER": 3}
    environment.docker.arguments = ["--cpus", "1"]
    environment.docker.base_image = "registry.example.com/base:1"
    environment.python.conda_dependencies.add_pip_package("joblib==1.5.2")
    environment.save_to_directory(tmp_path / "one")

    Environment.load_from_directory(tmp_path / "one").save_to_directory(tmp_path / "two")

    for name in ("azureml_environment.json", "conda_dependencies.yml"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text()


def test_a_folder_is_overwritten_only_when_asked_and_without_stale_files(tmp_path):
    environment = Environment("mine")
    environment.docker.base_dockerfile = "FROM debian\n"
    environment.save_to_directory(tmp_path / "env")
    with pytest.raises(FileExistsError, match="is there already"):
        environment.save_to_directory(tmp_path / "env")

    environment.docker.base_image = "debian"
    environment.save_to_directory(tmp_path / "env", overwrite=True)

    assert not (tmp_path / "env" / "BaseDockerfile").exists()
    assert Environment.load_from_directory(tmp_path / "env").docker.base_image == "debian"


def test_a_folder_without_an_environment_is_a_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"azureml_environment\.json"):
        Environment.load_from_directory(tmp_path)


def test_a_password_is_neither_saved_nor_shown(tmp_path, capsys):
    environment = Environment.from_docker_image(
        "mine",
        "registry.example.com/base:1",
        ContainerRegistry("registry.example.com", "me", "a-secret-of-mine"),
    )
    environment.save_to_directory(tmp_path / "env")

    assert "a-secret-of-mine" not in (tmp_path / "env" / "azureml_environment.json").read_text()
    assert "a-secret-of-mine" not in f"{environment!r} {environment} {environment.docker!r}"
    assert "docker login registry.example.com" in capsys.readouterr().err


@pytest.mark.calls("Environment.from_conda_specification")
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("python=3.9", "python=3.9"),
        ("python 3.9", "python 3.9"),
        ("conda-forge::python=3.9", "conda-forge::python=3.9"),
        ("python>=3.9", "python>=3.9"),
        ("python==3.9.7=build", "python==3.9.7=build"),
        ("python", "python=3.10.18"),
        ("numpy", "python=3.10.18"),
    ],
)
def test_python_is_found_by_condas_own_rules(conda_file, written, expected):
    conda_file.write_text(f"dependencies: ['{written}']")

    environment = Environment.from_conda_specification("mine", conda_file)

    assert python_of(environment) == expected
    names = [
        package.split("::")[-1] for package in environment.python.conda_dependencies.conda_packages
    ]
    assert len([name for name in names if name.startswith("python")]) == 1


@pytest.mark.calls("Environment.from_pip_requirements")
def test_requirements_come_with_the_files_that_they_name(tmp_path):
    (tmp_path / "base.txt").write_text("joblib\n")
    (tmp_path / "requirements.txt").write_text("# ours\n-r base.txt\nnumpy>=1 # arrays\n")

    environment = Environment.from_pip_requirements(
        "mine", tmp_path / "requirements.txt", pip_version="24.0"
    )

    conda = environment.python.conda_dependencies
    assert list(conda.pip_packages) == ["joblib", "numpy>=1"]
    assert list(conda.conda_packages) == ["python=3.8.13", "pip=24.0"]


@pytest.mark.calls("Environment.from_existing_conda_environment")
def test_an_environment_of_this_machines_conda_is_exported(tmp_path, monkeypatch):
    program = tmp_path / "conda"
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        '  "env list --json") echo \'{"envs": ["/opt/conda", "/opt/conda/envs/work"]}\' ;;\n'
        '  "env export --no-builds --name work")\n'
        '    printf "name: work\\ndependencies: [python=3.9.7]\\nprefix: /opt/envs/work\\n" ;;\n'
        "  *) exit 1 ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    environment = Environment.from_existing_conda_environment("mine", "work")

    assert python_of(environment) == "python=3.9.7"
    assert Environment.from_existing_conda_environment("mine", "play") is None


def test_without_conda_there_is_nothing_to_export(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UserErrorException, match="no conda on PATH"):
        Environment.from_existing_conda_environment("mine", "work")


@pytest.mark.calls("Environment.from_dockerfile")
def test_a_dockerfile_may_be_a_path_a_file_or_its_text(tmp_path, conda_file):
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian\n")

    with path.open() as file:
        given = [path, str(path), "FROM debian\n", file]
        made = [Environment.from_dockerfile("mine", each) for each in given]

    assert [each.docker.base_dockerfile for each in made] == ["FROM debian\n"] * 4
    assert all(each.python.user_managed_dependencies for each in made)
    over = Environment.from_dockerfile("mine", path, conda_specification=conda_file)
    assert not over.python.user_managed_dependencies


def test_what_a_dockerfile_copies_is_saved_with_it(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM debian\nCOPY tool.sh /\n")
    (tmp_path / "tool.sh").write_text("echo hello")

    environment = Environment.from_dockerfile("mine", tmp_path / "Dockerfile")
    environment.save_to_directory(tmp_path.parent / f"{tmp_path.name}-saved")

    assert (tmp_path.parent / f"{tmp_path.name}-saved" / "tool.sh").read_text() == "echo hello"


def test_a_dockerfile_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserErrorException, match="expected a Dockerfile, its path or its text"):
        Environment.from_dockerfile("mine", tmp_path / "Dockerfile")


@pytest.mark.calls("Environment.from_docker_image")
def test_an_image_has_its_packages_itself_unless_some_are_given(conda_file):
    plain = Environment.from_docker_image("mine", "debian")
    over = Environment.from_docker_image("mine", "debian", conda_specification=conda_file)

    assert plain.python.user_managed_dependencies
    assert not over.python.user_managed_dependencies
    assert plain.docker.base_image == over.docker.base_image == "debian"


def test_conda_and_pip_packages_both_are_refused(conda_file):
    with pytest.raises(UserErrorException, match="found both"):
        Environment.from_docker_image(
            "mine", "debian", conda_specification=conda_file, pip_requirements=conda_file
        )


@pytest.mark.calls(
    "DockerBuildContext.from_local_directory", "Environment.from_docker_build_context"
)
def test_a_build_context_keeps_the_folders_of_its_files(tmp_path):
    (tmp_path / "context" / "below").mkdir(parents=True)
    (tmp_path / "context" / "below" / "tool.sh").write_text("echo hello")
    (tmp_path / "context" / "Dockerfile").write_text("FROM debian\nCOPY below/tool.sh /\n")
    context = DockerBuildContext.from_local_directory(None, tmp_path / "context")

    environment = Environment.from_docker_build_context("mine", context)
    environment.save_to_directory(tmp_path / "saved")

    assert (tmp_path / "saved" / "below" / "tool.sh").is_file()
    with pytest.raises(UserErrorException, match="expected a Other, found none"):
        DockerBuildContext.from_local_directory(None, tmp_path / "context", "Other")


@pytest.mark.calls("DockerBuildContext")
def test_a_build_context_is_a_folder_and_a_file(tmp_path):
    context = DockerBuildContext(tmp_path, tmp_path / "Dockerfile")

    assert (context.folder, context.dockerfile.name) == (tmp_path, "Dockerfile")


@pytest.mark.calls("Environment.clone")
def test_a_clone_shares_nothing_and_has_no_version():
    first = Environment("first")
    first.version = "3"
    second = first.clone("second")
    second.python.conda_dependencies.add_pip_package("numpy")

    assert (second.name, second.version) == ("second", None)
    assert "numpy" not in first.python.conda_dependencies.pip_packages
    with pytest.raises(UserErrorException, match="expected a name"):
        first.clone("")


def test_an_image_takes_the_place_of_a_dockerfile(capsys):
    docker = DockerSection()
    docker.base_dockerfile = "FROM debian\n"
    docker.base_image = "debian"

    assert docker.base_dockerfile is None
    assert "docker.base_dockerfile is reset" in capsys.readouterr().err


@pytest.mark.parametrize("section", ["python", "docker"])
def test_a_misspelt_field_is_an_error(section):
    with pytest.raises(AttributeError):
        getattr(Environment("mine"), section).base_imgae = "debian"


def test_a_value_of_another_type_names_its_place():
    environment = Environment("mine")
    environment.python.user_managed_dependencies = "false"

    with pytest.raises(UserErrorException, match=r"python\.userManagedDependencies: expected"):
        environment.save_to_directory("never-written")


def test_a_name_that_is_no_text_is_a_type_error():
    with pytest.raises(TypeError, match="Environment name expected str, int found"):
        Environment(3)


def test_text_and_repr_tell_what_it_is():
    environment = Environment("mine")

    assert str(environment) == "Environment(Name: mine, Version: None)"
    assert json.loads(repr(environment))["name"] == "mine"


@pytest.mark.calls("Environment.add_private_pip_wheel", "Environment.label")
def test_what_only_the_cloud_has_is_refused():
    with pytest.raises(UserErrorException, match="a wheel of this machine"):
        Environment.add_private_pip_wheel(None, "a.whl")
    with pytest.raises(UserErrorException, match="labels are not kept"):
        Environment.label(None, "mine", "1", ["blue"])


def test_conda_dependencies_of_a_program_are_taken_as_they_are(tmp_path):
    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=["joblib"], python_version="3.11"
    )
    environment.save_to_directory(tmp_path / "env")

    conda = yaml.safe_load((tmp_path / "env" / "conda_dependencies.yml").read_text())
    assert conda["dependencies"] == ["python=3.11", {"pip": ["joblib"]}]
