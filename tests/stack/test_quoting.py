"""What the filters quote, as the parsers read it that it is quoted for."""

import subprocess

import pytest

from scoredock.templates import dockerfile_quote
from support import ROOT

pytestmark = pytest.mark.docker

HADOLINT = ROOT / ".venv" / "bin" / "hadolint"
AWKWARD = [
    "",
    " ",
    "plain",
    "two  words ",
    'say "hi"',
    '"',
    "it's",
    "$HOME",
    "${HOME:-x}",
    "$$",
    "\\",
    "\\\\",
    "C:\\temp",
    "C:\\temp\\",
    "ends in \\\\",
    '\\"',
    '\\\\"',
    '"\\',
    "\\$HOME",
    "\\\\$HOME",
    "\\n",
    "a\tb",
    "`tick`",
    "#no comment",
    "a=b c=d",
    "環境 é 🐳",
    '{"a": "b\\"c\\\\"}',
]


def test_docker_gives_every_value_back_as_it_was(engine, tmp_path, environment):
    named = {f"NAME_{number}": value for number, value in enumerate(AWKWARD)}
    lines = [f"ENV {name}={dockerfile_quote(value)}" for name, value in named.items()]
    lines += [f"LABEL {name}={dockerfile_quote(value)}" for name, value in named.items()]
    (tmp_path / "Dockerfile").write_text("\n".join(["FROM scratch", *lines, ""]))
    tag = environment["IMAGE"]

    subprocess.run(["docker", "build", "--quiet", "--tag", tag, tmp_path], check=True)

    image = engine.images.get(tag)
    assert image.labels == named
    assert set(image.attrs["Config"]["Env"]) >= {f"{name}={v}" for name, v in named.items()}


@pytest.mark.skipif(not HADOLINT.is_file(), reason="scripts/bootstrap lint installs hadolint")
@pytest.mark.parametrize("value", AWKWARD)
def test_hadolint_reads_every_value(value, tmp_path):
    quoted = dockerfile_quote(value)
    (tmp_path / "Dockerfile").write_text(f"FROM x:1\nENV A={quoted} B=1\nLABEL c={quoted}\n")

    result = subprocess.run([HADOLINT, tmp_path / "Dockerfile"], capture_output=True, text=True)

    assert (result.returncode, result.stdout) == (0, "")
