"""Our server beside the recorded answers of the reference, in every case of the corpus."""

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from conformance.differences import HERE, excuses, read_differences
from interpreter import python_path, require, server_python, server_variables, server_versions

RECORDED = HERE / "reference-answers.json"
# With a port to count from, so that two runs on one machine never meet: its own choice depends
# on the process id, and a port that it probed is not bound before its server has started.
RUN = "import run, sys; run.next_port[0] = int(sys.argv.pop(1)); sys.exit(run.main())"
WORKERS = {"ours": {}, "gthread": {"GUNICORN_CMD_ARGS": "--worker-class=gthread"}}


def server(worker: str) -> str:
    """Return the command of a server with this worker, as run.py takes it."""
    # run.py hides the PYTHONPATH of its own process from the servers.
    variables = python_path() | WORKERS[worker]
    how = ["env", *(f"{name}={text}" for name, text in variables.items()), str(server_python())]
    arguments = "--entry_script {entry} --model_dir {model_dir} --port {port}"
    return f"{shlex.join(how)} -m scoredock_server {arguments}"


@contextmanager
def ports(count: int = 400) -> Iterator[int]:
    """Claim ports below the ephemeral ones: nobody else who asks here gets them meanwhile."""
    for first in range(20000, 32000, count):
        with socket.socket() as claim:
            try:
                claim.bind(("127.0.0.1", first))
            except OSError:
                continue
            yield first
            return
    raise RuntimeError("every range of ports is claimed")


def run_corpus(*options: object, port: int = 0) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", RUN, str(port), "--a", f"@{RECORDED}", *map(str, options)]
    process = subprocess.Popen(
        command,
        cwd=HERE,
        env=server_variables() | {"PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=900)
    finally:
        if process.poll() is None:  # it was interrupted, or hangs
            for each in [*psutil.Process(process.pid).children(recursive=True), process]:
                each.kill()
    return subprocess.CompletedProcess(command, process.returncode, output)


@pytest.fixture(scope="module", params=list(WORKERS))
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What our server answers in every case, recorded once for all judgements."""
    require("inference_schema", "numpy", "pandas")
    folder = tmp_path_factory.mktemp(request.param)
    dump, recording = folder / "dump.json", folder / "answers.json"
    jobs = max(2, os.cpu_count() or 2)
    with ports() as port:
        played = run_corpus("--b", server(request.param), "--jobs", jobs, "--dump", dump, port=port)
    assert dump.exists(), played.stdout
    ours = {case: sides["b"] for case, sides in json.loads(dump.read_text()).items()}
    assert all("started" in case for case in ours.values()), played.stdout
    recording.write_text(json.dumps(ours))
    return recording


def judge(answers: Path, *options: object) -> str:
    """Return what run.py says of the recorded answers; a difference fails the test."""
    judged = run_corpus("--b", f"@{answers}", "--quiet", *options)
    if judged.returncode:
        command = server(answers.parent.name.rstrip("0123456789"))
        again = f"{HERE / 'run.py'} --a @{RECORDED} --b '{command}' -v --only CASE"
        pytest.fail(f"{judged.stdout}\nAgain, one case: python {again}", pytrace=False)
    return judged.stdout


def excuse_file(folder: Path, differences: object) -> Path:
    path = folder / "excuses"
    path.write_text("\n".join(excuses(differences)))
    return path


def test_what_scripts_and_clients_rely_on_is_answered_as_the_reference_does(answers, tmp_path):
    book = read_differences()
    versions = [each for each in book.versions if each.holds(server_versions())]

    judge(answers, "--tiers", "core,edge", "--excuse", excuse_file(tmp_path, versions))


def test_everything_else_differs_only_as_listed_and_nothing_is_listed_in_vain(answers, tmp_path):
    book = read_differences()
    versions = [each for each in book.versions if each.holds(server_versions())]
    excused = excuse_file(tmp_path, [*versions, *book.intended])

    said = judge(answers, "--excuse", excused)

    # The intended ones are listed for the versions that the reference was recorded with.
    listed = excuses(versions or book.intended)
    assert [glob for glob in listed if f"  unused excuse: {glob}" in said.splitlines()] == []
