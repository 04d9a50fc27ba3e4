import pytest

from scoredock.resolve import resolve
from scoredock.spec import EnvironmentSpec

from .builders import spec


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"docker": {"arguments": ["--cpus=2"]}}, "docker.arguments"),
        ({"docker": {"baseImageRegistry": {"address": "a"}}}, "docker.baseImageRegistry"),
        ({"docker": {"platform": {"architecture": "arm64"}}}, "docker.platform"),
        ({"python": {"condaDependenciesFile": "c.yml"}}, "python.condaDependenciesFile"),
        ({"python": {"baseCondaEnvironment": "base"}}, "python.baseCondaEnvironment"),
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
        ({"docker": {"baseImageRegistry": {"address": "a"}}}, "docker login"),
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
