import pytest

from scoredock.resolve import resolve
from scoredock.spec import EnvironmentSpec

from .builders import spec


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"python": {"baseCondaEnvironment": "base"}}, "python.baseCondaEnvironment"),
        ({"python": {"interpreterPath": "/opt/python"}}, "python.interpreterPath"),
        (
            {"docker": {"baseImageRegistry": {"registryIdentity": {"clientId": "c"}}}},
            "docker.baseImageRegistry.registryIdentity",
        ),
        ({"spark": {"packages": [{"artifact": "a"}]}}, "spark"),
        ({"databricks": {"eggLibraries": [{"library": "a"}]}}, "databricks"),
        ({"r": {"rVersion": "4"}}, "r"),
        ({"inferencingStackVersion": "latest"}, "inferencingStackVersion"),
    ],
)
def test_a_field_that_has_no_effect_is_noted(fields, place):
    _, notes = resolve(spec("python=3.8", **fields))

    assert [note.split(" is set and has no effect")[0] for note in notes] == [place]


def test_variables_of_the_conda_part_have_no_effect_and_are_noted():
    conda = {"dependencies": ["python=3.8"], "variables": {"A": "1"}}
    written = EnvironmentSpec.model_validate({"python": {"condaDependencies": conda}})

    _, notes = resolve(written)

    assert len(notes) == 1
    assert "variables is set and has no effect" in notes[0]


@pytest.mark.parametrize(
    ("fields", "remedy"),
    [
        ({"inferencingStackVersion": "latest"}, "scoredock-server is always installed"),
    ],
)
def test_a_note_says_what_to_do_instead(fields, remedy):
    _, notes = resolve(spec("python=3.8", **fields))

    assert remedy in notes[0]


def test_what_the_reference_sdk_always_writes_is_not_noted():
    written = spec(
        "python=3.8",
        docker={
            "arguments": [],
            "sharedVolumes": True,
            "shmSize": "2g",
            "baseImageRegistry": {"address": None, "registryIdentity": None},
            "platform": {"os": "Linux", "architecture": "amd64"},
        },
        spark={"repositories": [], "packages": [], "precachePackages": True},
        databricks={"mavenLibraries": []},
    )

    _, notes = resolve(written)

    assert notes == []


def test_credentials_of_a_registry_are_never_repeated_and_docker_login_is_named():
    registry = {"address": "r.example.com", "username": "robot", "password": "s3cret"}
    written = spec("python=3.8", docker={"baseImageRegistry": registry})

    _, notes = resolve(written)

    assert [note for note in notes if "docker login r.example.com" in note]
    assert "s3cret" not in f"{notes} {written!r} {written}"
    assert "robot" not in f"{notes} {written!r}"


def test_a_registry_without_credentials_may_need_a_login():
    written = spec("python=3.8", docker={"baseImageRegistry": {"address": "r.example.com"}})

    _, notes = resolve(written)

    assert notes == [
        "docker.baseImageRegistry: if r.example.com asks for credentials, "
        "`docker login r.example.com` first"
    ]


def test_packages_of_a_user_managed_environment_are_said_not_to_be_installed():
    written = spec(
        "python=3.8",
        {"pip": ["numpy"]},
        python={"userManagedDependencies": True},
        docker={"baseImage": "mine:1"},
    )

    _, notes = resolve(written)

    assert len(notes) == 1
    assert notes[0].startswith("python.condaDependencies.dependencies is not installed")


def test_the_list_that_the_sdk_writes_for_every_environment_is_not_noted():
    written = spec(
        "python=3.8.13",
        {"pip": ["azureml-defaults"]},
        python={"userManagedDependencies": True},
        docker={"baseImage": "mine:1"},
    )

    _, notes = resolve(written)

    assert notes == []


def test_an_image_for_gpus_that_is_replaced_says_how_to_ask_for_gpus():
    image = "mcr.microsoft.com/azureml/base-gpu:openmpi3.1.2-cuda10.0-cudnn7-ubuntu16.04"

    _, notes = resolve(spec("python=3.8", docker={"baseImage": image}))

    assert '["--gpus", "all"]' in notes[-1]


def test_an_image_for_gpus_in_a_spec_that_asks_for_gpus_needs_no_such_note():
    image = "mcr.microsoft.com/azureml/base-gpu:openmpi3.1.2-cuda10.0-cudnn7-ubuntu16.04"

    _, notes = resolve(spec("python=3.8", docker={"baseImage": image, "gpuSupport": True}))

    assert not [note for note in notes if "--gpus" in note]


@pytest.mark.parametrize(("line", "noted"), [("python-dateutil", True), ("pip", False)])
def test_packages_that_are_not_installed_are_noted_whatever_their_names_begin_with(line, noted):
    python = {
        "userManagedDependencies": True,
        "condaDependencies": {"dependencies": ["python=3.8", line, {"pip": ["azureml-defaults"]}]},
    }
    written = {"python": python, "docker": {"baseImage": "a"}}

    _, notes = resolve(EnvironmentSpec.model_validate(written))

    assert any("is not installed" in note for note in notes) == noted


def test_a_package_that_needs_a_library_of_the_system_is_noted_for_the_plain_image():
    _, notes = resolve(spec("python=3.8", {"pip": ["lightgbm==3.3.5", "joblib"]}))

    [note] = notes
    assert note.startswith("lightgbm==3.3.5 needs libgomp1, which python:3.8-slim lacks: ")


@pytest.mark.parametrize(
    "docker",
    [{"baseImage": "registry.example.com/base:1"}, {"baseDockerfile": "FROM python:3.8"}],
)
def test_nobody_knows_which_libraries_an_image_of_ones_own_has(docker):
    _, notes = resolve(spec("python=3.8", {"pip": ["lightgbm"]}, docker=docker))

    assert notes == []
