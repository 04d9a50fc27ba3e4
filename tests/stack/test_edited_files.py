"""A rendered file that a person has edited, from there to the image."""

import json

import pytest

pytestmark = pytest.mark.docker


@pytest.fixture
def spec(tmp_path):
    folder = tmp_path / "environment"
    folder.mkdir()
    python = {"condaDependencies": {"dependencies": ["python=3.11", {"pip": []}]}}
    text = json.dumps({"name": "plain", "python": python})
    (folder / "azureml_environment.json").write_text(text)
    return folder


def labels(engine, name):
    return engine.images.get(name).labels


def test_an_edited_dockerfile_is_built_as_it_stands_and_stays(
    scoredock, source, spec, engine, environment
):
    options = ["--spec", spec, "--source", source]
    scoredock("render", *options)
    dockerfile = spec / "Dockerfile"
    edited = dockerfile.read_text() + "LABEL edited=by-hand\n"
    dockerfile.write_text(edited)

    refused = scoredock("build", *options)
    built = scoredock("build", *options, "--as-is")

    assert refused.returncode == 2
    assert f"error: {dockerfile}: edited by hand" in refused.stderr
    assert built.returncode == 0, built.stderr
    assert labels(engine, environment["IMAGE"])["edited"] == "by-hand"
    assert dockerfile.read_text() == edited


def test_force_builds_what_the_spec_says_and_the_edit_is_gone(
    scoredock, source, spec, engine, environment
):
    options = ["--spec", spec, "--source", source]
    scoredock("render", *options)
    fresh = (spec / "Dockerfile").read_text()
    (spec / "Dockerfile").write_text(fresh + "LABEL edited=by-hand\n")

    built = scoredock("build", *options, "--force")

    assert built.returncode == 0, built.stderr
    assert "edited" not in labels(engine, environment["IMAGE"])
    assert (spec / "Dockerfile").read_text() == fresh


def test_an_edit_of_the_written_context_is_not_lost(
    scoredock, source, spec, engine, environment, tmp_path
):
    options = ["--spec", spec, "--source", source]
    first = scoredock("build", *options)
    dockerfile = tmp_path / "state" / "context" / "plain" / "Dockerfile"
    edited = dockerfile.read_text() + "LABEL edited=by-hand\n"
    dockerfile.write_text(edited)

    refused = scoredock("build", *options)
    built = scoredock("build", *options, "--as-is")
    refused_again = scoredock("build", *options)

    assert first.returncode == 0, first.stderr
    assert (refused.returncode, refused_again.returncode) == (2, 2)
    assert built.returncode == 0, built.stderr
    assert labels(engine, environment["IMAGE"])["edited"] == "by-hand"
    assert dockerfile.read_text() == edited


def test_a_dockerfile_of_ones_own_is_built_where_it_is_asked_for(
    scoredock, source, spec, engine, environment
):
    (spec / "Dockerfile").write_text("FROM scratch\nLABEL mine=yes\n")
    options = ["--spec", spec, "--source", source]

    built = scoredock("build", *options, "--as-is")
    again = scoredock("build", *options, "--as-is")

    assert built.returncode == 0, built.stderr
    assert again.returncode == 0, again.stderr
    assert labels(engine, environment["IMAGE"]) == {"mine": "yes"}
