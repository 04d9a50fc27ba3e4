"""The tutorial's program, from an empty workspace, in each runtime."""

import os
import re
import subprocess
import sys
import uuid

import pytest

from scoredock.sdk import Webservice, Workspace
from support import ROOT


def run_tutorial(port, name, **variables):
    return subprocess.run(
        [sys.executable, ROOT / "examples" / "tutorial" / "deploy.py", str(port), name],
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request) -> str:
    if request.param == "docker":
        request.getfixturevalue("engine")
    return request.param


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "tutorial-workspace"
    if (tmp_path / "tutorial-workspace" / "workspace.json").is_file():
        for service in Webservice.list(Workspace.from_config(tmp_path / "tutorial-workspace")):
            service.delete()


def test_the_tutorials_program_runs(runtime, folder, port):
    name = f"tutorial-{uuid.uuid4().hex[:8]}"

    done = run_tutorial(port, name, RUNTIME=runtime, SCOREDOCK_WORKSPACE=str(folder))

    assert done.returncode == 0, done.stderr + done.stdout
    assert f"http://localhost:{port}/score\nthe digit is [2]\n" in done.stdout
    assert re.search(r"^deployed in .* s, updated in .* s$", done.stdout, re.MULTILINE)
    # The update makes nothing: neither an image nor an environment.
    first, second = done.stderr.split("==> starting revision 1")
    assert "making" in first or "building" in first or runtime == "docker"
    assert second.splitlines()[1].startswith("==> loading revision 2")
    assert "loaded Environment(Name: tutorial-env, Version: 1)" in done.stdout
    assert "sklearn_diabetes is registered as version 1" in done.stdout
    assert "sklearn_diabetes is registered as version 2" in done.stdout
    workspace = Workspace.from_config(folder)
    [service] = Webservice.list(workspace)
    assert (service.name, service.state) == (name, "running")
    assert workspace.models["sklearn_diabetes"].tags == {"area": "diabetes", "type": "regression"}
