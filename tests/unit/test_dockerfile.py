import re

import pytest

from scoredock.dockerfile import RESERVED, base_stages
from scoredock.errors import SpecError
from scoredock.paths import TEMPLATES
from scoredock.resolve import resolve

from .builders import spec

PLACE = "BaseDockerfile"


def changed(text):
    return base_stages(text, place=PLACE)[0].text


def test_the_last_stage_gets_a_name_and_nothing_else_changes():
    text = "# Ours.\nARG V=3.8\nFROM python:$V\nRUN echo \\\n  # inner\n  a && \\\n\n  b\nUSER me\n"

    stages, notes = base_stages(text, place=PLACE)

    assert stages.text == text.replace("FROM python:$V", "FROM python:$V AS dockerfile").strip()
    assert (stages.stage, stages.image, stages.files, notes) == ("dockerfile", "python:$V", (), [])


def test_the_name_of_the_last_stage_is_kept():
    stages, _ = base_stages("FROM a AS one\nFROM one AS Two\n", place=PLACE)

    assert stages.stage == "Two"
    assert stages.text == "FROM a AS one\nFROM one AS Two"


def test_the_image_of_a_stage_that_starts_from_another_is_that_ones():
    stages, _ = base_stages("FROM --platform=linux/amd64 a:1 AS one\nFROM ONE\n", place=PLACE)

    assert stages.image == "a:1"


def test_stages_that_ours_have_get_other_names_with_a_note():
    text = (
        "FROM a AS build\nFROM build as code\nCOPY --from=build --chown=1 /x /y\n"
        "RUN --mount=from=build,target=/m --mount=type=cache,target=/c ls\n"
    )

    stages, notes = base_stages(text, place=PLACE)

    assert stages.stage == "user-code"
    assert stages.text.splitlines() == [
        "FROM a AS user-build",
        "FROM user-build AS user-code",
        "COPY --from=user-build --chown=1 /x /y",
        "RUN --mount=from=user-build,target=/m --mount=type=cache,target=/c ls",
    ]
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("line", "written", "files"),
    [
        ("COPY a b /c", "COPY base_context/a base_context/b /c", ("a", "b")),
        ("copy . .", "COPY base_context/. .", (".",)),
        ("COPY --chown=1:1 /a /b", "COPY --chown=1:1 base_context/a /b", ("a",)),
        ("ADD ../../a.tar.gz /b", "ADD base_context/a.tar.gz /b", ("a.tar.gz",)),
        ('COPY ["a b", "/c"]', 'COPY ["base_context/a b", "/c"]', ("a b",)),
        ("COPY *.txt /c/", "COPY base_context/*.txt /c/", ("*.txt",)),
        ("COPY a \\\n  b \\\n  /c", "COPY base_context/a base_context/b /c", ("a", "b")),
        ("ADD https://x/y.tar /z", "ADD https://x/y.tar /z", ()),
        ("ADD git@x:y.git /z", "ADD git@x:y.git /z", ()),
        ("COPY <<EOF /c\ntext\nEOF", "COPY <<EOF /c\ntext\nEOF", ()),
        (
            "RUN --mount=type=bind,target=/m ls",
            "RUN --mount=type=bind,target=/m,source=base_context/. ls",
            (".",),
        ),
        (
            "RUN --mount=src=a,target=/m ls",
            "RUN --mount=target=/m,source=base_context/a ls",
            ("a",),
        ),
        ("RUN --mount=type=secret,id=s ls", "RUN --mount=type=secret,id=s ls", ()),
    ],
)
def test_files_of_the_context_are_looked_for_in_one_folder(line, written, files):
    stages, _ = base_stages(f"FROM x\n{line}\n", place=PLACE)

    assert stages.text == f"FROM x AS dockerfile\n{written}"
    assert stages.files == files


def test_a_here_document_is_no_instruction():
    text = (
        'FROM x\nRUN python3 - <<PY && echo "cat <<NO"\nfrom os import path\nCOPY = 1\nPY\n'
        "RUN <<-'A' cat\n\tadd x y\n\tA\n"
    )

    assert changed(text) == text.replace("FROM x", "FROM x AS dockerfile").strip()


def test_directives_at_the_top_are_dropped_since_they_would_be_comments():
    assert changed("# syntax=docker/dockerfile:1\n# check=skip=all\nFROM x\n") == (
        "FROM x AS dockerfile"
    )


def test_line_breaks_of_windows_are_those_of_unix():
    assert changed("FROM x\r\nRUN a \\\r\n  b\r\n") == "FROM x AS dockerfile\nRUN a \\\n  b"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", PLACE, "expected a FROM instruction, found none"),
        ("RUN x\n", PLACE, "expected a FROM instruction, found none"),
        ("FROM\n", f"{PLACE}:1", "expected FROM IMAGE or FROM IMAGE AS NAME"),
        ("FROM a b c\n", f"{PLACE}:1", "expected FROM IMAGE or FROM IMAGE AS NAME"),
        ("FROM {{IMAGE}}\n", f"{PLACE}:1", "expected FROM IMAGE or FROM IMAGE AS NAME"),
        ("FROM a\n\nnonsense here\n", f"{PLACE}:3", "expected an instruction, found 'nonsense"),
        ("FROM a\nRUN <<E\nx\n", f"{PLACE}:2", "expected E in a line below, found none"),
        ("# escape=`\nFROM a\n", f"{PLACE}:1", "expected \\ for an escape, found '`'"),
        ("FROM a\nCOPY b\n", f"{PLACE}:2", "expected sources and a destination, found 'b'"),
        ("FROM a\nCOPY --parents b /c\n", f"{PLACE}:2", "--parents is not supported"),
        ("FROM a\nRUN \0\n", PLACE, "expected text, found '\\x00'"),
    ],
)
def test_what_cannot_begin_a_dockerfile_is_refused_at_its_line(text, path, message):
    with pytest.raises(SpecError) as caught:
        base_stages(text, place=PLACE)

    assert caught.value.path == path
    assert message in str(caught.value)


def test_an_environment_of_dockerfile_text_starts_from_its_last_stage():
    docker = {"baseDockerfile": "FROM python:3.8-slim\nCOPY a /a\n"}

    env, _ = resolve(spec("python=3.8", docker=docker))

    assert (env.base_stage, env.base_image) == ("dockerfile", "python:3.8-slim")
    assert env.base_files == ("a",)
    assert env.installer == "pip"


def test_a_user_managed_environment_may_be_made_of_dockerfile_text():
    docker = {"baseDockerfile": "FROM python:3.8-slim\nRUN pip install numpy\n"}

    env, _ = resolve(spec(python={"userManagedDependencies": True}, docker=docker))

    assert (env.installer, env.base_stage) == ("none", "dockerfile")


@pytest.mark.parametrize("location", ["https://a.blob.example/c?sig=s3cret", "https://g/x.git"])
def test_a_context_elsewhere_is_refused_without_its_signature(location):
    context = {"locationType": "git", "location": location}

    with pytest.raises(SpecError) as caught:
        resolve(spec(docker={"buildContext": context}))

    assert caught.value.path == "docker.buildContext"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "installer", "noted"),
    [
        ("python:3.8-slim", "pip", False),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", "pip", True),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04", "conda", False),
    ],
)
def test_a_dockerfile_that_may_lack_the_python_is_noted_with_the_way_out(image, installer, noted):
    written = spec("python=3.8", docker={"baseDockerfile": f"FROM {image}\n"})

    _, notes = resolve(written, installer=installer)

    assert bool([note for note in notes if "--installer conda brings one" in note]) == noted


def test_every_stage_of_the_template_is_reserved():
    template = (TEMPLATES / "Dockerfile.j2").read_text(encoding="utf-8")

    stages = re.findall(r"^FROM .* AS (?P<name>\w+)$", template, re.MULTILINE)

    assert stages
    assert set(stages) <= set(RESERVED)


@pytest.mark.parametrize(
    ("text", "image", "written"),
    [
        ("FROM ${BASE_IMAGE}", "", "FROM ${BASE_IMAGE} AS dockerfile"),
        ("ARG BASE_IMAGE\nFROM $BASE_IMAGE", "", "FROM $BASE_IMAGE AS dockerfile"),
        ("ARG BASE_IMAGE=a:1\nFROM ${BASE_IMAGE}", "a:1", "FROM ${BASE_IMAGE} AS dockerfile"),
        ('ARG BASE_IMAGE="a:1"\nFROM ${BASE_IMAGE} AS x\nFROM x', "a:1",
         "FROM ${BASE_IMAGE} AS x\nFROM x AS dockerfile"),
    ],
)  # fmt: skip
def test_an_image_that_the_text_leaves_open_is_declared_above_it_by_the_template(
    text, image, written
):
    stages, _ = base_stages(text, place=PLACE)

    assert (stages.open_image, stages.image, stages.text) == (True, image, written)


@pytest.mark.parametrize(
    "text",
    [
        "ARG V=1\nARG BASE_IMAGE=a:$V\nFROM ${BASE_IMAGE}",
        "ARG BASE_IMAGE=a\nFROM ${BASE_IMAGE}-slim",
        "ARG BASE_IMAGE_2=a\nFROM ${BASE_IMAGE_2}",
        "ARG BASE_IMAGE=a\nFROM b",
    ],
)
def test_a_text_that_makes_the_image_of_more_than_the_argument_stays_as_it_is(text):
    stages, _ = base_stages(text, place=PLACE)

    assert not stages.open_image
    assert stages.text == f"{text} AS dockerfile"


def test_an_environment_whose_dockerfile_leaves_the_image_open_gets_the_one_that_is_chosen():
    text = "FROM ${BASE_IMAGE}\nRUN apt-get update\n"

    env, notes = resolve(spec("python=3.9", docker={"baseDockerfile": text}))

    assert (env.base_image, env.base_argument) == ("python:3.9-slim", True)
    assert notes == []


def test_copy_with_parents_is_refused_with_the_way_out():
    with pytest.raises(SpecError, match=r"^BaseDockerfile:2: --parents is not supported") as caught:
        changed("FROM a\nCOPY --parents src/a.txt /app/\n")

    assert "a COPY for each folder" in caught.value.hint
