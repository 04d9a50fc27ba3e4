"""The keys that inferenceconfig.json had before there were environments."""

import json

import pytest

from scoredock.canonical import canonical_files
from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.resolve import resolve

LEGACY = {"entryScript": "score.py", "runtime": "python", "condaFile": "conda.yml"}
STEPS = "# what the model needs\nRUN apt-get update\nCOPY data /data\n"


@pytest.fixture
def config(tmp_path):
    """Write an inferenceconfig.json with a conda file and further steps beside it."""

    def write(steps=STEPS, **keys):
        (tmp_path / "conda.yml").write_text("dependencies: [python=3.8]\n")
        (tmp_path / "steps").write_text(steps)
        path = tmp_path / "inferenceconfig.json"
        path.write_text(json.dumps(LEGACY | {"extraDockerfileSteps": "steps"} | keys))
        return path

    return write


def test_further_dockerfile_steps_are_run_on_top_of_the_image_that_is_chosen(config):
    reading = read(config())
    env, notes = resolve(reading.spec)

    assert env.base_dockerfile.splitlines() == [
        "FROM ${BASE_IMAGE} AS dockerfile",
        "# what the model needs",
        "RUN apt-get update",
        "COPY base_context/data /data",
    ]
    assert (env.base_image, env.base_argument) == ("python:3.8-slim", True)
    assert notes == []
    assert reading.file_names == ("inferenceconfig.json", "steps", "conda.yml")
    assert reading.build_context == reading.files[0].parent


def test_further_dockerfile_steps_are_run_on_top_of_the_base_image_that_is_named(config):
    env, _ = resolve(read(config(baseImage="mine:1")).spec)

    assert env.base_dockerfile.startswith("FROM mine:1 AS dockerfile\n")
    assert (env.base_image, env.base_argument) == ("mine:1", False)


def test_an_error_in_further_steps_tells_that_a_from_stands_above_them(config):
    with pytest.raises(SpecError, match=r"^FROM and steps:2: expected an instruction, found 'pip'"):
        resolve(read(config(steps="pip\n")).spec)


def test_further_steps_are_converted_to_a_dockerfile_that_means_the_same(config, tmp_path):
    reading = read(config())

    files, _ = canonical_files(reading.spec)

    folder = tmp_path / "out"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    assert files["BaseDockerfile"] == f"FROM ${{BASE_IMAGE}}\n{STEPS}"
    assert resolve(read(folder).spec)[0] == resolve(reading.spec)[0]


def test_further_steps_that_are_not_there_are_named(config):
    with pytest.raises(SpecError) as caught:
        read(config(extraDockerfileSteps="other"))

    assert str(caught.value) == (
        "inferenceconfig.json: extraDockerfileSteps: names 'other', which is not there"
    )


def test_keys_of_before_beside_an_environment_have_no_effect_and_are_a_warning(config):
    conda = {"dependencies": ["python=3.9"]}
    environment = {"python": {"condaDependencies": conda}, "docker": {"baseImage": "a"}}

    reading = read(config(environment=environment, enableGpu=False))

    assert [line.split(": ")[1].split(" is set")[0] for line in reading.warnings] == [
        "condaFile", "extraDockerfileSteps",
    ]  # fmt: skip
    assert resolve(reading.spec)[0].base_dockerfile == ""
