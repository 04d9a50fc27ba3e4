"""SIGHUP of a server that nobody has prepared for it: it becomes a supervisor."""

import os
import signal
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from serving import EVALUATE, covers, running, wait_for_log, wait_until, write_files

ANSWER = "import os\ndef init(): pass\ndef run(raw_data): return [os.getpid(), {!r}]\n"
BROKEN = "def init(): raise KeyError('no model')\ndef run(raw_data): ...\n"


def edit(tmp_path, text):
    write_files(tmp_path / "azureml-app", {"code/score.py": text})


def hang_up(server):
    server.process.send_signal(signal.SIGHUP)


def answers(server, what):
    # An old gunicorn's gthread resets a connection that it has not accepted when it ends.
    with suppress(requests.ConnectionError):
        return server.score().json()[1] == what


def is_ready(server):
    with suppress(requests.ConnectionError):
        return ready(server) == (200, "ok")


def ready(server):
    answer = requests.get(f"{server.url}/readyz", timeout=20)
    return answer.status_code, answer.text


@covers("SCOREDOCK_RELOAD")
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"WORKER_COUNT": "2"},
        {"WORKER_COUNT": "2", "WORKER_PRELOAD": "true"},
        {"GUNICORN_CMD_ARGS": "--worker-class gthread"},
    ],
)
def test_what_cannot_be_loaded_is_told_and_the_old_one_answers_until_it_is_mended(
    tmp_path, variables
):
    with running(tmp_path, ANSWER.format("old"), **variables) as server:
        assert server.wait_until_ready().score().json()[1] == "old"
        if variables == {"WORKER_COUNT": "2"}:  # both have loaded it before it is broken
            wait_for_log(server, "ready for serving traffic", count=2)
        assert ready(server) == (200, "ok")
        edit(tmp_path, BROKEN)
        hang_up(server)
        wait_for_log(server, "It cannot be loaded: the server ended with exit code 3")

        status, text = ready(server)
        assert status == 200
        assert text.startswith("ok\nThe reload at 2")
        assert text.endswith("failed: the server ended with exit code 3."
                             " What served before still does.\n")  # fmt: skip
        assert "KeyError: 'no model'" in server.log()
        assert {server.score().json()[1] for _ in range(10)} == {"old"}

        for number in range(2):  # the second one is the supervisor's
            edit(tmp_path, ANSWER.format(number))
            hang_up(server)
            wait_for_log(server, "it serves from now on", count=1 + number)
            wait_until(lambda: answers(server, number), server.log)  # noqa: B023
            wait_until(lambda: is_ready(server), server.log)

        server.process.send_signal(signal.SIGTERM)
        assert server.exit_code() == 0


def test_signals_that_come_one_upon_another_end_with_the_newest_script(tmp_path):
    with running(tmp_path, ANSWER.format("old"), WORKER_COUNT="2") as server:
        server.wait_until_ready()
        edit(tmp_path, ANSWER.format("new"))
        for _ in range(5):
            hang_up(server)
        wait_for_log(server, "it serves from now on")

        wait_until(lambda: {server.score().json()[1] for _ in range(5)} == {"new"}, server.log)


def test_a_new_server_takes_over_once_all_of_its_workers_are_ready(tmp_path):
    # The first worker loads at once, the second takes until it is told to go on.
    script = (
        "import os, time\n"
        "def init():\n"
        "    try: os.close(os.open(os.environ['OUT'], os.O_CREAT | os.O_EXCL))\n"
        "    except FileExistsError:\n"
        "        while not os.path.exists(os.environ['OUT'] + '2'): time.sleep(0.05)\n"
        "def run(raw_data): return [os.getpid(), 'new']\n"
    )
    with running(tmp_path, ANSWER.format("old"), WORKER_COUNT="2") as server:
        server.wait_until_ready()
        ready_already = server.log().count("ready for serving traffic")
        edit(tmp_path, script)
        hang_up(server)
        wait_for_log(server, "ready for serving traffic", count=ready_already + 1)
        before = server.log()
        (tmp_path / "out2").touch()
        wait_for_log(server, "it serves from now on")

        assert "Worker exiting" not in before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_that_comes_during_a_reload_ends_it(tmp_path, number):
    endless = "import time\nprint('endless')\ntime.sleep(600)\n" + ANSWER.format("endless")
    with running(tmp_path, ANSWER.format("old")) as server:
        server.wait_until_ready()
        edit(tmp_path, endless)
        hang_up(server)
        wait_for_log(server, "endless")

        server.process.send_signal(number)

        assert server.exit_code() == 0


def test_a_worker_that_dies_after_a_reload_that_failed_has_the_script_loaded_again(tmp_path):
    with running(tmp_path, ANSWER.format("old")) as server:
        pid = server.wait_until_ready().score().json()[0]
        edit(tmp_path, BROKEN)
        hang_up(server)
        wait_for_log(server, "It cannot be loaded")
        edit(tmp_path, ANSWER.format("mended"))
        os.kill(pid, signal.SIGKILL)

        wait_until(lambda: server.score().json()[1] == "mended", server.log)


def test_a_unix_socket_stays_for_the_next_server_and_goes_at_the_end(tmp_path):
    with (
        tempfile.TemporaryDirectory() as folder,
        running(tmp_path, EVALUATE, SCOREDOCK_BIND=f"unix:{folder}/socket") as server,
    ):
        wait_for_log(server, "ready for serving traffic")
        hang_up(server)
        wait_for_log(server, "Worker exiting")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{folder}/socket")
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")

        server.process.send_signal(signal.SIGTERM)

        assert server.exit_code() == 0
        assert list(Path(folder).iterdir()) == []


def test_a_supervisor_that_is_killed_leaves_no_server_behind(tmp_path):
    with running(tmp_path, ANSWER.format("old")) as server:
        server.wait_until_ready()
        hang_up(server)
        wait_for_log(server, "Worker exiting")
        left = psutil.Process(server.process.pid).children(recursive=True)

        server.process.kill()

        assert psutil.wait_procs(left, timeout=20)[1] == []


def test_no_request_fails_while_signals_come_one_after_another(tmp_path):
    with running(tmp_path, ANSWER.format(0), WORKER_COUNT="2") as server:
        server.wait_until_ready()
        statuses, is_over = [], threading.Event()

        def ask():
            with requests.Session() as session:
                while not is_over.is_set():
                    statuses.append(session.post(f"{server.url}/score", data="1").status_code)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for each in asking:
            each.start()
        for number in range(1, 4):
            edit(tmp_path, ANSWER.format(number))
            hang_up(server)
            wait_for_log(server, "it serves from now on", count=number)
        wait_until(lambda: server.score().json()[1] == 3, server.log)
        is_over.set()
        for each in asking:
            each.join()

        assert set(statuses) == {200}
