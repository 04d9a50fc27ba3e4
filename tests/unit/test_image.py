from pathlib import Path

import pytest

from scoredock.errors import EngineError
from scoredock.image import build, build_command

from .rawjson import BASE, FAILURE, INSTALL, completed, logged, started


def printing(lines, status):
    """Return a command that says `lines` on standard error, as docker does, and ends."""
    script = 'for line; do printf "%s\\n" "$line" >&2; done; exit ' + str(status)
    return ["sh", "-c", script, "sh", *lines]


def test_the_build_command_is_the_one_that_a_person_would_type():
    command = build_command(Path("build/digits"), tag="scoredock/digits:latest")

    assert command == [
        "docker",
        "buildx",
        "build",
        "--progress=rawjson",
        "--load",
        "--tag",
        "scoredock/digits:latest",
        "build/digits",
    ]


def test_arguments_secrets_and_folders_stand_before_the_context():
    command = build_command(
        Path("/context"),
        tag="x",
        build_args={"BASE_IMAGE": "mirror/python:3.11"},
        secrets={"ca_file": Path("/etc/ca.pem"), "pip_config": Path("pip.conf")},
        contexts={"channel-1": "/srv/channel"},
    )

    assert command[6:] == [
        "x",
        "--build-arg",
        "BASE_IMAGE=mirror/python:3.11",
        "--secret",
        "id=ca_file,src=/etc/ca.pem",
        "--secret",
        "id=pip_config,src=pip.conf",
        "--build-context",
        "channel-1=/srv/channel",
        "/context",
    ]


def test_hidden_secrets_and_proxies_are_named_and_their_values_are_not():
    command = build_command(
        Path("/context"), tag="x", hidden={"network": "VARIABLE"}, proxies=["HTTPS_PROXY"]
    )

    assert command[7:] == [
        "--secret",
        "id=network,env=VARIABLE",
        "--build-arg",
        "HTTPS_PROXY",
        "/context",
    ]


def test_a_build_that_succeeds_reports_its_steps():
    reported = []

    build(printing([started(BASE), completed(BASE)], 0), report=reported.append)

    assert reported == [
        f"{BASE} (0.0 s)",
        "built in 0 s",
    ]


def test_a_build_that_fails_names_the_step_its_log_and_the_command():
    lines = [
        started(INSTALL),
        logged(INSTALL, "no such package\n"),
        completed(INSTALL, error=FAILURE),
    ]
    command = printing(lines, 1)

    with pytest.raises(EngineError) as caught:
        build(command, report=lambda line: None)

    assert str(caught.value) == f"the image build failed in {INSTALL}"
    assert caught.value.log == ("no such package",)
    assert caught.value.command == tuple(command)
    assert "--verbose" in caught.value.hint


def test_a_base_image_that_cannot_be_had_is_hinted_at():
    step = "[internal] load metadata for docker.io/library/python:3.11-slim"

    with pytest.raises(EngineError) as caught:
        build(printing([completed(step, error="no such host")], 1), report=lambda line: None)

    assert step in str(caught.value)
    assert caught.value.log == ("no such host",)
    assert "--base-image" in caught.value.hint


def test_a_build_that_fails_before_any_step_shows_what_the_command_said():
    command = printing(["unknown flag: --progress", "See docker buildx build --help"], 125)

    with pytest.raises(EngineError) as caught:
        build(command, report=lambda line: None)

    assert str(caught.value) == "the image build failed"
    assert caught.value.log == ("unknown flag: --progress", "See docker buildx build --help")


def test_an_interrupted_build_is_ended(tmp_path):
    script = f'printf "%s\\n" "$1" >&2; sleep 2; touch {tmp_path}/went-on'

    def interrupted(line):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        build(["sh", "-c", script, "sh", completed(BASE)], report=interrupted)

    assert list(tmp_path.iterdir()) == []
