import json
import os
import subprocess
from dataclasses import asdict

import psutil
import pytest

from scoredock import process
from scoredock.process import RunningProcess

# Ends its child when it is told to end, as gunicorn does with its workers.
GENTLE = "trap 'kill $child; echo >gently; exit 0' TERM; sleep 300 & child=$!; echo ready; wait"
# Ends without telling its child, which does not listen to the polite signal.
CARELESS = "sh -c 'trap \"\" TERM; echo ready; while :; do sleep 300; done' & wait"


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def family(tmp_path):
    """Start a shell of a script that says it is ready; whatever it started is ended at last."""
    members = []

    def start(script):
        shell = subprocess.Popen(
            ["sh", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        members.append(psutil.Process(shell.pid))
        assert shell.stdout.readline() == "ready\n"
        members.extend(members[0].children(recursive=True))
        return members

    yield start
    for member in members:
        if member.is_running():
            member.kill()
    psutil.wait_procs(members)


def record(state, pid, started):
    running = RunningProcess(pid=pid, started=started, bind="127.0.0.1", port=6789)
    (state / "service.json").write_text(json.dumps(asdict(running)))
    return running


def test_a_process_that_runs_is_the_service_that_the_record_tells_of(state):
    recorded = record(state, os.getpid(), psutil.Process().create_time())

    assert process.running() == recorded


def test_a_record_of_a_process_that_has_ended_tells_of_no_service(state):
    child = subprocess.Popen(["sleep", "300"])
    record(state, child.pid, psutil.Process(child.pid).create_time())
    child.kill()
    child.wait()

    assert process.running() is None


def test_a_record_of_a_process_that_nobody_has_waited_for_tells_of_no_service(state):
    child = subprocess.Popen(["true"])
    record(state, child.pid, psutil.Process(child.pid).create_time())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    found = process.running()

    child.wait()
    assert found is None


def test_another_process_that_was_given_the_same_pid_is_not_the_service(state):
    record(state, os.getpid(), psutil.Process().create_time() - 60)

    assert process.running() is None
    assert process.stop() is False


@pytest.mark.parametrize("text", ["", "{", "{}", '{"pid": 1}', "null", "[]"])
def test_a_record_that_is_not_whole_tells_of_no_service(state, text):
    (state / "service.json").write_text(text)

    assert process.running() is None


def test_without_a_record_there_is_nothing_to_stop():
    assert process.running() is None
    assert process.stop() is False


def test_stop_ends_the_service_and_what_it_started(state, family):
    members = family(GENTLE)
    record(state, members[0].pid, members[0].create_time())

    stopped = process.stop()

    assert stopped is True
    assert (state / "gently").exists()
    assert len(members) == 2
    assert [member for member in members if member.is_running()] == []
    assert not (state / "service.json").exists()


def test_stop_kills_what_does_not_listen(state, family):
    members = family(CARELESS)
    record(state, members[0].pid, members[0].create_time())

    process.stop(grace=0.2)

    assert len(members) >= 2
    assert [member for member in members if member.is_running()] == []


def test_the_log_is_read_from_its_end(state):
    (state / "service.log").write_text("one\ntwo\nthree\n")

    assert process.last_lines(process.log_file(), 2) == ["two", "three"]


def test_a_log_that_is_not_there_has_no_lines():
    assert process.last_lines(process.log_file(), 2) == []
