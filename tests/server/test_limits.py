"""What the server does with more than it can take, and with clients that do not go on."""

import json
import socket
import threading
import time
from contextlib import ExitStack

import pytest
import requests
from wire import RAW, SLOW, connected, echoed, post, read_answer

from serving import ECHO, covers, running, wait_for_log, wait_until

WORKERS = ["", "--worker-class gthread"]


@covers("SCOREDOCK_MAX_BODY_MB")
@pytest.mark.parametrize("script", [ECHO, RAW], ids=["plain", "raw"])
@pytest.mark.parametrize("worker", WORKERS)
def test_a_body_that_is_too_long_is_refused(tmp_path, worker, script):
    variables = {"SCOREDOCK_MAX_BODY_MB": "1", "GUNICORN_CMD_ARGS": worker}
    with running(tmp_path, script, **variables) as server:
        server.wait_until_ready()

        assert server.score("x" * 1_000_000).status_code == 200
        refused = server.score("x" * 1_000_001, headers={"x-request-id": "long"})

        assert refused.status_code == 413
        assert list(refused.json()) == ["message"]
        assert refused.headers["x-request-id"] == "long"
        wait_for_log(server, r"azmlinfsrv - POST /score 413 .*\[long\]")


@covers("SCOREDOCK_MAX_BODY_MB")
def test_a_body_in_chunks_that_grows_too_long_is_refused_before_its_end(tmp_path):
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running(tmp_path, ECHO, SCOREDOCK_MAX_BODY_MB="1") as server:
        server.wait_until_ready()
        with connected(server) as client:
            client.sendall(head + (b"%x\r\n" % 600_000 + b"x" * 600_000 + b"\r\n") * 2)
            stream = client.makefile("rb")

            assert read_answer(stream)[0] == 413
            assert stream.read() == b""


def test_a_client_that_asks_first_is_told_that_its_body_is_too_long(tmp_path):
    head = post("", "Expect: 100-continue").replace(b"Length: 0", b"Length: 1000001")
    with running(tmp_path, ECHO, SCOREDOCK_MAX_BODY_MB="1") as server:
        server.wait_until_ready()
        with connected(server) as client:
            client.sendall(head)

            assert read_answer(client.makefile("rb"))[0] == 413


@covers("SCOREDOCK_HEAD_TIMEOUT")
def test_headers_that_do_not_come_in_time_end_the_connection(tmp_path):
    with running(tmp_path, ECHO, SCOREDOCK_HEAD_TIMEOUT="1") as server:
        server.wait_until_ready()
        with connected(server) as silent, connected(server) as slow:
            slow.sendall(b"POST /score HTTP/1.1\r\nHo")

            assert silent.recv(100) == b""
            assert slow.recv(100) == b""


@covers("SCOREDOCK_BODY_TIMEOUT")
def test_a_body_that_does_not_come_in_time_is_a_408(tmp_path):
    with running(tmp_path, ECHO, SCOREDOCK_BODY_TIMEOUT="1") as server:
        server.wait_until_ready()
        with connected(server) as client:
            client.sendall(post("four")[:-2])
            stream = client.makefile("rb")
            status, headers, body = read_answer(stream)

            assert (status, headers["connection"]) == (408, "close")
            assert list(json.loads(body)) == ["message"]
            assert stream.read() == b""


@covers("SCOREDOCK_QUEUE_LENGTH")
def test_more_requests_than_may_wait_are_told_to_come_again(tmp_path):
    with running(tmp_path, SLOW, SCOREDOCK_QUEUE_LENGTH="2") as server, ExitStack() as stack:
        server.wait_until_ready()
        clients = [stack.enter_context(connected(server)) for _ in range(4)]
        for number, client in enumerate(clients):
            client.sendall(post("sleep2" if number == 0 else "waits"))
            time.sleep(0.2)
        status, headers, body = read_answer(clients[3].makefile("rb"))
        ready = requests.get(f"{server.url}/readyz", timeout=5)
        alive = requests.get(f"{server.url}/livez", timeout=5)
        answers = [read_answer(client.makefile("rb")) for client in clients[:3]]

        assert (status, headers["retry-after"]) == (503, "1")
        assert list(json.loads(body)) == ["message"]
        assert (ready.status_code, ready.headers["retry-after"], alive.text) == (503, "1", "ok")
        assert [answer[0] for answer in answers] == [200] * 3
        assert requests.get(f"{server.url}/readyz", timeout=5).status_code == 200
        wait_for_log(server, r"azmlinfsrv - POST /score 503")


@pytest.mark.parametrize("script", [ECHO, RAW], ids=["plain", "raw"])
def test_a_body_that_ends_too_early_is_a_400_for_every_script(tmp_path, script):
    with running(tmp_path, script) as server:
        server.wait_until_ready()
        with connected(server) as client:
            client.sendall(post("four")[:-2])
            client.shutdown(socket.SHUT_WR)

            assert read_answer(client.makefile("rb"))[0] == 400


@pytest.mark.parametrize("worker", WORKERS)
def test_health_is_told_and_not_logged(tmp_path, worker):
    with running(tmp_path, ECHO, GUNICORN_CMD_ARGS=worker) as server:
        server.wait_until_ready()
        answers = [requests.get(f"{server.url}/{name}z", timeout=20) for name in ("live", "ready")]
        requests.get(f"{server.url}/livez?loud", timeout=20)

        assert [(answer.status_code, answer.text) for answer in answers] == [(200, "ok")] * 2
        wait_for_log(server, "GET /livez.loud HTTP")
        assert "GET /livez HTTP" not in server.log()
        assert "GET /readyz" not in server.log()


def test_a_server_that_ends_is_not_ready(tmp_path):
    with running(tmp_path, SLOW) as server:
        server.wait_until_ready()
        with connected(server) as client:
            stream = client.makefile("rb")
            client.sendall(post("one"))
            assert echoed(read_answer(stream), "one")
            work = threading.Thread(target=lambda: server.score("sleep2"))
            work.start()
            time.sleep(0.5)
            server.process.terminate()
            wait_for_log(server, "Handling signal: term")
            time.sleep(0.3)
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            status, _, body = read_answer(stream)
            work.join()

        assert (status, body) == (503, b"the server ends")
        assert server.exit_code() == 0


STUCK = """
import hashlib, os
from flask import Response
from azureml.contrib.services.aml_request import rawhttp

def init():
    pass

@rawhttp
def run(request):
    if request.get_data() == b"stuck":
        hashlib.pbkdf2_hmac("sha256", b"x", b"salt", 3_000_000)  # no signal stops it
        open(os.environ["OUT"], "w").close()
    return Response(b"done")
"""
PLAINLY_STUCK = (
    STUCK.replace("from flask import Response\n", "")
    .replace("@rawhttp\n", "")
    .replace('request.get_data() == b"stuck"', 'request == "stuck"')
    .replace('Response(b"done")', '"done"')
)


@covers("SCORING_TIMEOUT_MS")
@pytest.mark.parametrize("script", [STUCK, PLAINLY_STUCK], ids=["raw", "plain"])
def test_a_run_that_no_signal_stops_is_answered_for_in_time(tmp_path, script):
    with running(tmp_path, script, SCORING_TIMEOUT_MS="300") as server:
        server.wait_until_ready()

        answer = server.score("stuck", headers={"x-request-id": "stuck"})

        assert not (tmp_path / "out").exists()
        assert answer.status_code == 500
        assert answer.json() == {"message": "Scoring timeout after 300 ms"}
        assert answer.headers["x-ms-run-function-failed"] == "True"
        assert answer.headers["x-request-id"] == "stuck"
        wait_until((lambda: server.score("more").text in ("done", '"done"')), within=60)
