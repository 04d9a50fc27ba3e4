"""The transport that takes apt to a mirror; with apt itself in tests/network."""

import subprocess

import pytest

from scoredock.apt import MOUNTS, apt_secrets
from scoredock.errors import TemplateError
from scoredock.templates import dockerfile_lines

MIRROR = "https://user:p%40s&s@mirror.example.com/debian"


@pytest.fixture
def ask(tmp_path):
    """Say lines to the transport, with a program that repeats what it is asked in apt's place."""

    def given(mirrors, lines):
        script = apt_secrets(mirrors, authorities=False)["apt_method"]
        asked = tmp_path / "asked"
        for name in ("https", "http"):
            script = script.replace(f"/usr/lib/apt/methods/{name}", f"tee {asked}")
        done = subprocess.run(["sh", "-c", script], input=lines, capture_output=True, text=True)
        return asked.read_text(), done.stdout

    return given


def test_the_mirror_is_asked_and_answers_by_the_public_name(ask):
    lines = "600 URI Acquire\nURI: http://deb.example.com/debian/a.deb\nFilename: /a.deb\n\n"

    asked, answered = ask({"http://deb.example.com/debian/": MIRROR}, lines)

    assert asked == lines.replace("http://deb.example.com/debian", MIRROR)
    assert answered == lines


def test_what_has_no_mirror_is_asked_itself(ask):
    lines = "URI: http://deb.example.com/debian-security/a\nConfig-Item: x=http://deb.example.com/debian/\n"

    assert ask({"http://deb.example.com/debian": MIRROR}, lines) == (lines, lines)


def test_a_repository_below_another_keeps_its_own_mirror(ask):
    mirrors = {"http://a.example.com": "http://m.example.com/x", "http://a.example.com/b": MIRROR}
    lines = "URI: http://a.example.com/b/c\nURI: http://a.example.com/c\n"

    asked, answered = ask(mirrors, lines)

    assert asked == f"URI: {MIRROR}/c\nURI: http://m.example.com/x/c\n"
    assert answered == lines


def test_two_repositories_of_one_mirror_are_told_apart_in_its_answers(ask):
    mirrors = dict.fromkeys(
        ["http://archive.example.com/u", "http://security.example.com/u"], MIRROR
    )
    lines = "URI: http://security.example.com/u/a\nURI: http://archive.example.com/u/a\n"

    asked, answered = ask(mirrors, lines)

    assert asked.lower() == f"URI: {MIRROR}/a\nURI: {MIRROR}/a\n".lower()
    assert answered == lines


def test_a_redirect_within_the_mirror_is_one_within_the_repository(ask):
    lines = "103 Redirect\nNew-URI: http://m.example.com/b\n"

    _, answered = ask({"http://deb.example.com": "http://m.example.com"}, lines)

    assert answered == "103 Redirect\nNew-URI: http://deb.example.com/b\n"


def test_the_authorities_hold_for_a_mirror_with_tls_alone():
    mirrors = {"http://a.example.com": MIRROR, "http://b.example.com": "http://m.example.com/b"}

    trusted = apt_secrets(mirrors, authorities=True)["apt_conf"]

    assert 'Acquire::https::mirror.example.com::CAInfo "/run/secrets/ca_file";' in trusted
    assert "m.example.com::" not in trusted.replace("mirror.example.com::", "")
    assert "CAInfo" not in apt_secrets(mirrors, authorities=False)["apt_conf"]
    assert apt_secrets({}, authorities=True) == {}


@pytest.mark.parametrize(
    "instruction",
    [
        "RUN apt-get update",
        "run --mount=type=cache,target=/x \\\n  apt install -y x",
        'RUN ["apt-get", "update"]',
        "RUN <<EOF\naptitude update\nEOF",
    ],
)
def test_a_step_that_names_apt_gets_the_mounts(instruction):
    mounted = dockerfile_lines(f"FROM x\n{instruction}\n")

    assert mounted.replace("".join(f" {mount} \\\n   " for mount in MOUNTS), "") == (
        f"FROM x\n{instruction}\n"
    )
    assert all(mount in mounted for mount in MOUNTS)
    assert dockerfile_lines(mounted) == mounted


@pytest.mark.parametrize(
    "text", ["", "RUN true\n", "# apt\nENV apt=1\n\nRUN adapt\n", "# check=skip=all\nRUN x\n"]
)
def test_everything_else_is_printed_as_it_is(text):
    assert dockerfile_lines(text) == text


def test_a_line_that_is_no_instruction_is_named():
    with pytest.raises(TemplateError, match="instructions:2: expected an instruction, found 'apt'"):
        dockerfile_lines("RUN x\napt\n")
