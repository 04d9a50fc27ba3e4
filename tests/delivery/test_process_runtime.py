"""The same service on a machine without Docker."""

import contextlib
import json
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from scoredock import locking
from scoredock.deployment import Deployment, plan
from scoredock.lock import Lock
from scoredock.paths import CONTEXT
from support import ROOT, SCOREDOCK

DIGITS = ROOT / "examples" / "digits"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"DOCKER_HOST": "unix:///nowhere/docker.sock", "BASE_IMAGE": ""}


def processes_on(port: int) -> list[int]:
    return [
        connection.pid
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    ]


def test_without_an_engine_up_says_so_and_serves_the_example(scoredock, port):
    started = scoredock("up")

    assert started.returncode == 0, started.stderr
    assert started.stdout == f"http://localhost:{port}/score\n"
    notes = [line for line in started.stderr.splitlines() if "no Docker engine answers" in line]
    assert len(notes) == 1
    assert "process runtime" in notes[0]
    assert scoredock("score", DIGITS / "sample-request.json").stdout == "[2]\n"
    assert "ready" in scoredock("logs").stdout
    assert scoredock("down").stdout == "stopped the service without Docker\n"
    assert processes_on(port) == []


def test_a_second_up_takes_over_the_changed_script_and_reuses_the_environment(
    scoredock, source, plain_spec
):
    options = ["--spec", plain_spec, "--source", source]
    scoredock("up", *options)
    script = source / "score.py"
    script.write_text(script.read_text().replace("[greeting,", "[greeting.upper(),"))

    second = scoredock("up", *options)

    assert "making a virtual environment" not in second.stderr
    assert scoredock("score", "-", stdin="1").stdout == '["HELLO", 1]\n'


def test_a_failing_init_shows_log_and_exit_code_and_leaves_no_process(
    scoredock, source, plain_spec, port
):
    (source / "score.py").write_text(
        "def init(): raise RuntimeError('no such model')\ndef run(raw_data): pass"
    )

    failed = scoredock("up", "--spec", plain_spec, "--source", source)

    assert failed.returncode == 4
    assert "RuntimeError: no such model" in failed.stderr
    assert "error: the service ended with exit code 3" in failed.stderr
    assert processes_on(port) == []


def test_a_package_that_cannot_be_installed_leaves_no_environment(
    scoredock, source, plain_spec, environment
):
    (plain_spec / "conda_dependencies.yml").write_text(
        "dependencies: [python=3.11, {pip: [no-such-package-of-anyone==1.0]}]"
    )

    failed = scoredock("up", "--spec", plain_spec, "--source", source)

    assert failed.returncode == 4
    assert "no-such-package-of-anyone" in failed.stderr
    assert list(Path(environment["SCOREDOCK_STATE"], "environments").iterdir()) == []


def test_what_a_lock_names_is_installed_whatever_the_spec_would_get_now(
    scoredock, source, plain_spec, tmp_path
):
    minor = "{}.{}".format(*sys.version_info)
    text = f"dependencies: [python={minor}, {{pip: ['joblib%s']}}]"
    found = tmp_path / "found"
    (tmp_path / "older.yml").write_text(text % "==1.4.2")
    # As a build with MODE=lock does in an image.
    create = [sys.executable, CONTEXT / "install" / "create_environment.py", "--mode", "lock"]
    create += ["--prefix", found, "--server", CONTEXT / "server"]
    subprocess.run([*create, "--conda-file", tmp_path / "older.yml"], check=True)
    (plain_spec / "conda_dependencies.yml").write_text(text % "")
    wanted = Deployment(
        spec=plain_spec, source=source, entry_script="score.py", models=source / "models"
    )
    lock = Lock(
        made_from=locking.made_from(plan(wanted, warn=print, note=print)),
        platform={"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()],
        images={},
        **json.loads((found / "locked.json").read_text()),
    )
    locking.write_lock(plain_spec / "scoredock.lock", lock)
    script = "import joblib\ndef init(): pass\ndef run(raw_data): return joblib.__version__\n"
    (source / "score.py").write_text(script)

    # A company's pip.conf may have one; the lock was made with it.
    (tmp_path / "constraints.txt").write_text("joblib<2\n")

    started = scoredock(
        "up", "--locked", "--spec", plain_spec, "--source", source,
        PIP_CONSTRAINT=str(tmp_path / "constraints.txt"),
    )  # fmt: skip

    assert started.returncode == 0, started.stderr
    assert scoredock("score", "-", stdin="1").stdout == '"1.4.2"\n'


def test_the_log_of_a_service_that_has_ended_can_still_be_read(scoredock, source, plain_spec, port):
    scoredock("up", "--spec", plain_spec, "--source", source)
    # The main process starts a new worker in the place of one that was killed before it.
    while pids := processes_on(port):
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()

    printed = scoredock("logs")

    assert "no service runs here" in printed.stderr
    assert "ready for serving traffic" in printed.stdout


def test_down_stops_the_workers_of_a_main_process_that_was_killed(
    scoredock, source, plain_spec, port, environment
):
    scoredock("up", "--spec", plain_spec, "--source", source)
    record = Path(environment["SCOREDOCK_STATE"], "service.json").read_text()
    psutil.Process(json.loads(record)["pid"]).kill()

    stopped = scoredock("down")

    assert stopped.stdout == "stopped the service without Docker\n"
    assert processes_on(port) == []


def test_ctrl_c_while_init_runs_leaves_nothing_running(environment, source, plain_spec, port):
    (source / "score.py").write_text(
        "import time\ndef init(): time.sleep(600)\ndef run(raw_data): pass"
    )
    command = [SCOREDOCK, "up", "--spec", plain_spec, "--source", source]
    up = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not processes_on(port):
        assert up.poll() is None, up.stderr.read()
        time.sleep(0.2)

    up.send_signal(signal.SIGINT)

    assert up.wait(timeout=60) == 130
    assert up.stderr.read().endswith("interrupted\n")
    assert processes_on(port) == []


def test_a_port_in_use_names_the_process(scoredock, source, plain_spec, port):
    server = subprocess.Popen(
        ["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not processes_on(port):
        time.sleep(0.1)

    failed = scoredock("up", "--spec", plain_spec, "--source", source)
    server.kill()

    assert failed.returncode == 1
    assert f"(pid {server.pid})" in failed.stderr
    assert f"PORT={port + 1}" in failed.stderr


def test_the_service_listens_on_loopback_only(scoredock, source, plain_spec, port):
    scoredock("up", "--spec", plain_spec, "--source", source)

    [address] = {
        connection.laddr.ip
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }

    assert address == "127.0.0.1"
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).text == "Healthy"


def test_what_only_a_container_can_have_is_said_to_have_no_effect(scoredock, source, plain_spec):
    environment = {"name": "plain", "docker": {"shmSize": "2g", "arguments": ["--cpus=1"]}}
    (plain_spec / "azureml_environment.json").write_text(json.dumps(environment))

    started = scoredock("up", "--spec", plain_spec, "--source", source)

    assert started.returncode == 0, started.stderr
    told = [line for line in started.stderr.splitlines() if "without a container" in line]
    assert told == ["==> without a container cpus of the spec has no effect"]
