import pytest

from scoredock.defaults import defaults
from scoredock.pip_packages import PipPackage
from scoredock.resolve import resolve
from scoredock.spec import EnvironmentSpec

from .builders import spec

MICROSOFT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"


def user_managed(**python):
    section = {"userManagedDependencies": True, **python}
    return EnvironmentSpec.model_validate(
        {"name": "own", "python": section, "docker": {"baseImage": "registry.example.com/own:1"}}
    )


def test_an_environment_of_python_alone_has_no_gaps():
    env, notes = resolve(spec("python=3.8"))

    assert notes == []
    assert (env.name, env.version, env.installer) == ("environment", "", "pip")
    assert (env.base_image, env.interpreter) == ("python:3.8-slim", "python3")
    assert (env.python_version, env.conda_packages) == ("3.8", ("python=3.8",))


def test_what_the_spec_says_is_kept_in_its_order():
    dependencies = [{"pip": ["b==1"]}, "pip=23.0.1", {"pip": ["--pre", "a"]}, "python=3.9"]

    env, _ = resolve(spec(*dependencies, name="mnist", version="7"))

    assert (env.name, env.version) == ("mnist", "7")
    assert env.conda_packages == ("pip=23.0.1", "python=3.9")
    assert [package.requirement for package in env.pip_packages] == ["b==1", "--pre", "a"]


def test_a_spec_without_python_gets_the_default_one_with_a_note():
    env, notes = resolve(spec({"pip": ["numpy"]}))

    assert env.python_version == defaults()["python"]
    assert env.conda_packages == (f"python={defaults()['python']}",)
    assert notes == [f"the spec names no version of Python: {defaults()['python']} is used"]


def test_python_without_a_version_gets_the_default_one_with_a_note():
    env, notes = resolve(spec("python", "pip"))

    assert env.python_version == defaults()["python"]
    assert env.conda_packages == ("python", "pip")
    assert notes == [f"the spec names no version of Python: {defaults()['python']} is used"]


def test_an_image_of_azure_ml_is_replaced_with_a_note():
    env, notes = resolve(spec("python=3.8", docker={"baseImage": MICROSOFT_IMAGE}))

    assert env.base_image == "python:3.8-slim"
    assert notes == [
        f"docker.baseImage {MICROSOFT_IMAGE} is replaced by python:3.8-slim, all that is needed"
    ]


@pytest.mark.parametrize(
    "image", ["registry.example.com/mine:1", "mcr.microsoft.com/devcontainers"]
)
def test_an_image_of_ones_own_is_kept_without_a_note(image):
    env, notes = resolve(spec("python=3.8", docker={"baseImage": image}))

    assert env.base_image == image
    assert notes == []


@pytest.mark.parametrize(
    "requirement",
    [
        "azureml-defaults",
        "azureml-defaults==1.61.0",
        "azureml-defaults>=1.0.45,<2",
        "AzureML_Defaults~=1.61",
        "azureml-inference-server-http[all]==1.5.1",
    ],
)
def test_a_package_that_the_server_replaces_says_what_takes_its_place(requirement):
    env, _ = resolve(spec("python=3.8", {"pip": ["numpy", requirement]}))

    assert env.pip_packages == (
        PipPackage(requirement="numpy"),
        PipPackage(requirement=requirement, replaced="scoredock-server serves in its place"),
    )


@pytest.mark.parametrize("requirement", ["azureml-core==1.61", "azureml_contrib_services"])
def test_a_package_that_the_server_has_a_stand_in_for_is_replaced(requirement):
    env, _ = resolve(spec("python=3.8", {"pip": [requirement]}))

    assert "stand-in" in env.pip_packages[0].replaced


@pytest.mark.parametrize("requirement", ["azureml-sdk", "azureml", "./azureml-defaults.whl"])
def test_a_package_that_is_merely_called_alike_is_not_replaced(requirement):
    env, _ = resolve(spec("python=3.8", {"pip": [requirement]}))

    assert env.pip_packages == (PipPackage(requirement=requirement),)


@pytest.mark.parametrize("kept", ["azureml-defaults", "azureml_defaults", "AzureML-Defaults"])
def test_a_replaced_package_is_kept_on_request_in_any_spelling(kept):
    env, _ = resolve(
        spec("python=3.8", {"pip": ["azureml-defaults==1.61", "azureml-inference-server-http"]}),
        keep=[kept],
    )

    assert [bool(package.replaced) for package in env.pip_packages] == [False, True]


def test_pip_is_pinned_for_python_3_6_alone():
    pinned = {
        version: resolve(spec(f"python={version}"))[0].pip_requirement
        for version in defaults()["pythons"]
    }

    assert pinned.pop("3.6") == "pip==21.3.1"
    assert set(pinned.values()) == {""}


@pytest.mark.parametrize(
    ("package", "requirement"),
    [("pip=20.1.1", "pip==20.1.1.*"), ("pip<=23.0.1", "pip<=23.0.1"), ("pip", "pip==21.3.1")],
)
def test_pip_is_the_one_that_the_conda_part_names(package, requirement):
    env, _ = resolve(spec("python=3.6", package))

    assert env.pip_requirement == requirement


def test_a_user_managed_environment_is_the_image_and_nothing_else():
    env, notes = resolve(user_managed(interpreterPath="/opt/miniconda/bin/python"))

    assert notes == []
    assert (env.installer, env.base_image) == ("none", "registry.example.com/own:1")
    assert env.installer_reason == "python.userManagedDependencies is true"
    assert env.interpreter == "/opt/miniconda/bin/python"
    assert (env.python_version, env.conda_packages, env.pip_packages) == ("", (), ())


def test_a_user_managed_environment_starts_python3_where_no_interpreter_is_named():
    env, _ = resolve(user_managed())

    assert env.interpreter == "python3"


def test_equal_environments_have_equal_digests():
    first, _ = resolve(spec("python=3.8", {"pip": ["numpy"]}, name="x"))
    second, _ = resolve(spec("python=3.8", {"pip": ["numpy"]}, name="x"))

    assert first.digest == second.digest
    assert len(first.digest) == 64


@pytest.mark.parametrize(
    "changed",
    [
        spec("python=3.8", {"pip": ["numpy==2"]}, name="x"),
        spec("python=3.9", {"pip": ["numpy"]}, name="x"),
        spec("python=3.8", {"pip": ["numpy"]}, name="y"),
        spec("python=3.8", {"pip": ["numpy"]}, name="x", environmentVariables={"A": "1"}),
        spec("python=3.8", {"pip": ["numpy"]}, name="x", docker={"baseImage": "mine:1"}),
    ],
    ids=["package", "python", "name", "variable", "image"],
)
def test_a_change_of_anything_changes_the_digest(changed):
    env, _ = resolve(spec("python=3.8", {"pip": ["numpy"]}, name="x"))

    assert resolve(changed)[0].digest != env.digest


def test_conda_packages_are_installed_beside_a_plain_debian_that_they_are_copied_to():
    env, _ = resolve(spec("python=3.8", "jq"))

    assert (env.installer, env.interpreter) == ("conda", "python3")
    assert env.installer_reason == "the conda part asks for jq"
    assert env.base_image == defaults()["base_images"]["conda"]
    assert env.build_image == defaults()["build_image"]


def test_an_image_of_ones_own_is_what_conda_packages_are_copied_to():
    env, _ = resolve(spec("jq", docker={"baseImage": "registry.example.com/cuda:12"}))

    assert env.base_image == "registry.example.com/cuda:12"


def test_the_folder_of_a_channel_is_a_build_context():
    conda = {"channels": ["conda-forge", "file:///srv/a", "file:///srv/b"], "dependencies": ["jq"]}

    env, _ = resolve(EnvironmentSpec.model_validate({"python": {"condaDependencies": conda}}))

    assert env.channel_folders == (("channel-1", "/srv/a"), ("channel-2", "/srv/b"))


def test_what_the_image_leaves_out_is_kept_on_request():
    env, _ = resolve(spec("python=3.8"), keep=["tests", "azureml-core", "pip"])

    assert env.keep == ("pip", "tests")


def test_blank_lines_and_comments_of_the_pip_section_are_left_out():
    env, _ = resolve(spec("python=3.8", {"pip": ["", "# models", "joblib", "  "]}))

    assert env.pip_packages == (PipPackage(requirement="joblib"),)


def test_a_package_is_replaced_with_a_comment_behind_it_too():
    env, _ = resolve(spec("python=3.8", {"pip": ["azureml-defaults  # serves"]}))

    assert env.pip_packages[0].replaced
