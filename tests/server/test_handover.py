import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
import requests

from interpreter import server_python, server_variables
from scoredock_server.handover import ListenError, receive
from serving import EVALUATE, covers, running, wait_for_log, wait_until

TELL = "def init(): pass\ndef run(raw_data): return '{}'\n"


@contextmanager
def held(folder, port):
    """Hold a port; yields the process."""
    command = [server_python(), "-m", "scoredock_server.handover", f"127.0.0.1:{port}", "port.sock"]
    with subprocess.Popen(command, env=server_variables(), cwd=folder) as holder:
        wait_until((folder / "port.sock").exists)
        yield holder
        holder.kill()


class Clients(threading.Thread):
    """Post again and again; `answers` has what came, an exception where nothing did."""

    def __init__(self, port):
        super().__init__()
        self.url = f"http://127.0.0.1:{port}/score"
        self.answers = []
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            try:
                answer = requests.post(self.url, data="1", timeout=20)
                self.answers.append((answer.status_code, answer.text))
            except requests.RequestException as error:
                self.answers.append(error)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


@covers("SCOREDOCK_PORT_FROM")
def test_a_server_takes_over_from_another_without_a_failed_request(tmp_path, port):
    source = {"SCOREDOCK_PORT_FROM": str(tmp_path / "port.sock")}
    with held(tmp_path, port), running(tmp_path / "old", TELL.format("old"), **source) as old:
        wait_for_log(old, "ready for serving traffic")
        with (
            running(tmp_path / "new", TELL.format("new"), **source) as new,
            Clients(port) as clients,
            Clients(port) as others,
        ):
            wait_for_log(new, "ready for serving traffic")
            old.process.send_signal(signal.SIGTERM)
            status = old.exit_code()
            wait_until(lambda: clients.answers[-1] == (200, '"new"'))

        assert status == 0
        assert set(clients.answers + others.answers) == {(200, '"old"'), (200, '"new"')}


@covers("SCOREDOCK_PORT_FROM")
def test_a_server_whose_init_fails_takes_no_request(tmp_path, port):
    source = {"SCOREDOCK_PORT_FROM": str(tmp_path / "port.sock")}
    script = "def init(): raise RuntimeError('no model')\ndef run(raw_data): pass"
    with held(tmp_path, port), running(tmp_path / "old", TELL.format("old"), **source) as old:
        wait_for_log(old, "ready for serving traffic")
        with Clients(port) as clients, running(tmp_path / "new", script, **source) as new:
            status = new.exit_code()
            seen = len(clients.answers)
            wait_until(lambda: len(clients.answers) > seen)

        assert status == 3
        assert set(clients.answers) == {(200, '"old"')}


def test_a_server_ends_with_the_holder_and_another_finds_the_next_one(tmp_path, port):
    source = {"SCOREDOCK_PORT_FROM": str(tmp_path / "port.sock")}
    with held(tmp_path, port) as holder, running(tmp_path / "old", EVALUATE, **source) as old:
        wait_for_log(old, "ready for serving traffic")
        holder.kill()
        status = old.exit_code()
    # The holder's socket has a file still.
    with running(tmp_path / "new", EVALUATE, **source) as new:
        time.sleep(0.3)
        with held(tmp_path, port):
            wait_for_log(new, "ready for serving traffic")

            answer = requests.post(f"http://127.0.0.1:{port}/score", data="1+1", timeout=20)

    assert status == 0
    assert answer.json() == 2


def test_the_server_has_an_address_of_its_own_as_well(tmp_path, port):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own = probe.getsockname()[1]
    variables = {
        "SCOREDOCK_PORT_FROM": str(tmp_path / "port.sock"),
        "SCOREDOCK_BIND": f"127.0.0.1:{own}",
    }
    with held(tmp_path, port), running(tmp_path / "one", EVALUATE, **variables) as server:
        wait_for_log(server, "ready for serving traffic")

        assert requests.get(f"http://127.0.0.1:{own}", timeout=20).text == "Healthy"
        assert requests.get(f"http://127.0.0.1:{port}", timeout=20).text == "Healthy"


def test_a_reload_keeps_the_socket(tmp_path, port):
    source = {"SCOREDOCK_PORT_FROM": str(tmp_path / "port.sock")}
    with held(tmp_path, port), running(tmp_path / "one", EVALUATE, **source) as server:
        wait_for_log(server, "ready for serving traffic")

        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "ready for serving traffic", count=2)
        wait_for_log(server, "Worker exiting")

        answer = requests.post(f"http://127.0.0.1:{port}/score", data="1+1", timeout=20)
        assert answer.json() == 2


def test_without_a_holder_it_is_named(tmp_path):
    with pytest.raises(ListenError, match=r"nobody hands over a port at .*/port\.sock"):
        receive(str(tmp_path / "port.sock"), timeout=0.2)


def test_an_address_that_is_taken_ends_the_server_with_1(tmp_path, port):
    source = {"SCOREDOCK_PORT_FROM": str(tmp_path / "port.sock")}
    with held(tmp_path, port):
        bind = f"127.0.0.1:{port}"
        with running(tmp_path / "one", EVALUATE, SCOREDOCK_BIND=bind, **source) as server:
            status = server.exit_code()

    assert status == 1
    assert f"cannot listen on {bind}" in server.log()
