import pytest

from scoredock.sdk import CondaDependencies, Environment, UserErrorException


@pytest.mark.calls("Environment.register", "Environment.get", "Environment.list")
def test_an_environment_is_registered_under_the_next_version_when_it_changed(workspace):
    mine = Environment("mine")
    first = mine.register(workspace)
    assert (first.version, mine.version) == ("1", None)
    assert mine.register(workspace).version == "1"
    mine.python.conda_dependencies.add_pip_package("joblib")

    assert mine.register(workspace=workspace).version == "2"

    old = Environment.get(workspace=workspace, name="mine", version="1")
    assert list(old.python.conda_dependencies.pip_packages) == ["azureml-defaults"]
    assert Environment.get(workspace, "mine").version == "2"
    assert Environment.get(workspace, "mine", label="latest").version == "2"
    assert {name: each.version for name, each in Environment.list(workspace).items()} == {
        "mine": "2"
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "other"}, "no environment 'other'"),
        ({"name": "mine", "version": "7"}, "mine has no version 7"),
        ({"name": "mine", "version": "1", "label": "latest"}, "Only one of version or label"),
        ({"name": "mine", "label": "blue"}, "expected the label 'latest'"),
    ],
)
def test_an_environment_that_is_not_there_is_a_user_error(workspace, arguments, message):
    Environment("mine").register(workspace)

    with pytest.raises(UserErrorException, match=message):
        Environment.get(workspace, **arguments)


def test_what_a_dockerfile_copies_is_registered_with_it(workspace, tmp_path):
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM debian\nCOPY tool.sh /\n")
    (tmp_path / "docker" / "tool.sh").write_text("echo hello")
    Environment.from_dockerfile("mine", tmp_path / "docker" / "Dockerfile").register(workspace)

    Environment.get(workspace, "mine").save_to_directory(tmp_path / "saved")

    assert (tmp_path / "saved" / "tool.sh").is_file()


@pytest.mark.calls("Environment.build_local")
def test_an_environment_is_made_on_this_machine_whether_registered_or_not(workspace, plain_spec):
    environment = Environment.load_from_directory(plain_spec)

    folder = environment.build_local(workspace=workspace, useDocker=False)

    assert environment.build_local(workspace, platform="Linux") == folder
    with pytest.raises(UserErrorException, match="platform: expected Linux or OSX"):
        environment.build_local(workspace, platform="Windows")


def test_a_package_that_is_not_there_is_named_with_the_installers_words(workspace):
    environment = Environment("broken")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=["no-such-package-of-anyone==1.0"], python_version="3.11"
    )

    with pytest.raises(Exception, match="no-such-package-of-anyone") as caught:
        environment.build_local(workspace, useDocker=False)

    assert "the environment could not be made" in str(caught.value)
