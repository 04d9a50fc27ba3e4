"""Services that are changed while wrk asks them: no request fails.

ROLLOUT_SECONDS says for how long.
"""

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

SECONDS = int(os.environ.get("ROLLOUT_SECONDS", "12"))


@contextmanager
def load(service, folder: Path, seconds):
    """Let wrk ask with 16 connections meanwhile; afterwards no request may have failed."""
    if not shutil.which("wrk"):
        if os.environ.get("CI") == "true":
            pytest.fail("no wrk")
        pytest.skip("needs wrk")
    script = folder / "post.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = "1"\n')
    shown = json.loads(service("service", "show", service.name, "--json").stdout)
    command = [
        "wrk", "--threads=1", "--connections=16", f"--duration={seconds}s", "--timeout=20s",
        f"--script={script}", shown["scoring_uri"],
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        yield
        said, _ = wrk.communicate()
    assert int(re.search(r"(\d+) requests in", said)[1]) > 10, said
    assert "Socket errors" not in said, said
    assert "Non-2xx" not in said, said


def test_reloads_and_updates_of_the_model_fail_no_request(service, tmp_path):
    with load(service, tmp_path, SECONDS):
        end = time.monotonic() + SECONDS - 4
        number = 1
        while number == 1 or time.monotonic() < end:
            number += 1
            service.write(f"text {number}")
            reloaded = service("service", "reload", service.name)
            assert reloaded.returncode == 0, reloaded.stderr
            service.register(f"model {number}")
            updated = service("service", "update", service.name, "--model", "greeting")
            assert updated.returncode == 0, updated.stderr

    assert service.answer()[:2] == [f"text {number}", f"model {number}"]


def test_an_update_of_the_environment_fails_no_request_and_can_be_taken_back(
    service, tmp_path, plain_spec
):
    changed = {"name": "plain", "environmentVariables": {"COLOUR": "blue"}}
    (plain_spec / "azureml_environment.json").write_text(json.dumps(changed))

    with load(service, tmp_path, SECONDS):
        updated = service("service", "update", service.name, "--environment", plain_spec)
        after = service.answer()

    assert updated.returncode == 0, updated.stderr
    assert after[2] == "blue"
    assert service("service", "rollback", service.name).returncode == 0
    assert service.answer()[2] is None


def test_an_update_whose_init_raises_fails_no_request_and_says_why(service, tmp_path):
    script = "def init(): raise KeyError('no such model')\ndef run(raw_data): pass\n"
    (service.source / "score.py").write_text(script)

    with load(service, tmp_path, 8):
        updated = service("service", "update", service.name, "--source", service.source)
        reloaded = service("service", "reload", service.name)

    assert updated.returncode == 4
    assert "KeyError: 'no such model'" in updated.stderr
    assert reloaded.returncode == 4
    assert "KeyError: 'no such model'" in reloaded.stderr
    shown = json.loads(service("service", "show", service.name, "--json").stdout)
    assert (shown["state"], shown["revision"]) == ("running", 1)
    assert "ended with exit code 3" in shown["error"]
    assert service.answer()[:2] == ["one", "first"]


def test_what_is_killed_in_the_middle_of_an_update_is_mended_by_the_next(service, environment):
    slow = "import time\ndef init(): time.sleep(60)\ndef run(raw_data): pass\n"
    (service.source / "score.py").write_text(slow)
    # SIGKILL after five seconds: the new revision has been started and is not ready.
    from support import SCOREDOCK

    subprocess.run(
        ["timeout", "--signal=KILL", "5", SCOREDOCK, "service", "update", service.name,
         "--source", str(service.source)],
        env=environment | {"SCOREDOCK_WORKSPACE": str(service.source.parent / "workspace")},
        check=False,
    )  # fmt: skip
    assert service.answer()[:2] == ["one", "first"]

    service.write("two")
    updated = service("service", "update", service.name, "--source", service.source)

    assert updated.returncode == 0, updated.stderr
    assert service.answer()[0] == "two"
