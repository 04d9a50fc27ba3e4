"""What the README promises a newcomer: on a machine without Docker and with an empty HOME."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone of this work tree would hold."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in files:
        if (ROOT / name).is_file():
            (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "clone" / name)
    return tmp_path / "clone"


@pytest.fixture
def run(clone: Path, environment: dict[str, str], tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    own = environment | {"HOME": str(home), "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    own.pop("SCOREDOCK_STATE")

    def start(*command: str, cwd: Path = clone) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=cwd, env=own, capture_output=True, text=True, check=False
        )

    return start


def test_two_commands_lead_from_a_clone_to_a_score(run, clone):
    try:
        started = run("scripts/up")
        scored = run("scripts/score", "examples/digits/sample-request.json")
    finally:
        stopped = run("scripts/down")

    assert started.returncode == 0, started.stderr
    assert scored.stdout == "[2]\n"
    assert stopped.stdout == "stopped the service without Docker\n"


def test_every_script_explains_itself_without_setting_anything_up(run, clone):
    scripts = sorted(path.name for path in (clone / "scripts").iterdir())

    helps = {name: run(f"scripts/{name}", "--help") for name in scripts}

    assert {"bootstrap", "down", "lint", "render", "score", "test", "up"} <= set(scripts)
    assert all(
        shown.returncode == 0 and shown.stdout.startswith(f"Usage: scripts/{name}")
        for name, shown in helps.items()
    )
    assert not (clone / ".venv").exists()


def test_an_installed_kit_renders_a_whole_context_outside_a_checkout(run, clone, tmp_path):
    wheels = tmp_path / "wheels"
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", wheels, clone)
    assert built.returncode == 0, built.stderr
    [wheel] = wheels.iterdir()
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    command = ["-m", "scoredock", "render", "--source", clone / "examples" / "digits"]
    context = tmp_path / "context"

    rendered = subprocess.run(
        [sys.executable, *command, "--output", context],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert rendered.returncode == 0, rendered.stderr
    assert sorted(path.name for path in context.iterdir()) == [
        "Dockerfile", "code", "compose.service.yaml", "conda_dependencies.yml", "entrypoint.sh",
        "healthcheck.py", "install", "server",
    ]  # fmt: skip
    assert (context / "Dockerfile").read_text() == (clone / "docker" / "Dockerfile").read_text()
