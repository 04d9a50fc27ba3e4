"""What our own gunicorn worker does with connections, whatever the script does meanwhile."""

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, suppress

import pytest
import requests
from wire import RAW, SLOW, connected, echoed, post, read_answer

from serving import ECHO, EVALUATE, running, wait_for_log, wait_until


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    with running(tmp_path_factory.mktemp("slow"), SLOW) as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="module", params=["plain", "raw"])
def echo(request, tmp_path_factory):
    """A server whose run() returns what it gets: beside Flask, and through it."""
    script = {"plain": SLOW, "raw": RAW}[request.param]
    with running(tmp_path_factory.mktemp("echo"), script) as server:
        yield server.wait_until_ready()


@pytest.mark.parametrize("work", ["sleep", "spin"])
def test_health_is_told_while_run_is_busy(slow, work):
    answers = []
    client = threading.Thread(target=lambda: answers.append(slow.score(f"{work}3")))
    began = time.monotonic()
    client.start()
    time.sleep(0.5)

    health = [requests.get(slow.url, timeout=20) for _ in range(3)]
    took = time.monotonic() - began
    client.join()

    assert [each.text for each in health] == ["Healthy"] * 3
    assert took < 3
    assert answers[0].json() == f"{work}3"


def test_requests_are_answered_in_turn_with_all_their_clients_connected(slow):
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(slow)) for _ in range(50)]
        for number, client in enumerate(clients):
            client.sendall(post(str(number)))
        answers = [read_answer(client.makefile("rb")) for client in clients]

    assert [answer[2] for answer in answers] == [f'"{n}"'.encode() for n in range(50)]


def test_pipelined_requests_are_answered_in_their_order(echo):
    health = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(echo) as client:
        client.sendall((post("first") + health) * 20 + health * 3000 + post("last"))
        stream = client.makefile("rb")
        answers = [read_answer(stream) for _ in range(3041)]

    assert all(echoed(answer, "first") for answer in answers[0:40:2])
    assert all(answer[2] == b"Healthy" for answer in answers[1:40:2] + answers[40:-1])
    assert echoed(answers[-1], "last")


def test_a_request_may_come_byte_by_byte(echo):
    with connected(echo) as client:
        for byte in post("slowly"):
            client.sendall(bytes([byte]))
            time.sleep(0.002)

        assert echoed(read_answer(client.makefile("rb")), "slowly")


def test_a_body_in_chunks(echo):
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [b"3;name=value\r\nabc\r", b"\n1", b"0\r\n0123456789", b"abcdef\r\n0", b"\r\n\r\n"]
    with connected(echo) as client:
        stream = client.makefile("rb")
        for _ in range(2):
            for piece in [head, *pieces]:
                client.sendall(piece)
                time.sleep(0.02)
            assert echoed(read_answer(stream), "abc0123456789abcdef")
        client.sendall(head + b"".join(pieces) + post("next"))

        assert echoed(read_answer(stream), "abc0123456789abcdef")
        assert echoed(read_answer(stream), "next")


@pytest.mark.parametrize("rest", [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nab"])
def test_what_is_no_chunk_ends_the_connection(slow, rest):
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(slow) as client:
        client.sendall(head + rest)
        client.shutdown(socket.SHUT_WR)
        stream = client.makefile("rb")
        answer = read_answer(stream)

        assert answer[0] == 400
        assert stream.read() == b""


def test_a_client_that_expects_it_is_told_to_go_on(echo):
    whole = post("expected", "Expect: 100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    with connected(echo) as client:
        client.sendall(head + b"\r\n\r\n")
        stream = client.makefile("rb")
        told = [stream.readline(), stream.readline()]
        client.sendall(body)

        assert told == [b"HTTP/1.1 100 Continue\r\n", b"\r\n"]
        assert echoed(read_answer(stream), "expected")

        client.sendall(whole)  # it did not wait

        assert echoed(read_answer(stream), "expected")


@pytest.mark.parametrize(
    ("version", "header", "connection"),
    [
        ("1.1", "X: y", "keep-alive"),
        ("1.1", "Connection: close", "close"),
        ("1.0", "X: y", "close"),
        ("1.0", "Connection: keep-alive", "keep-alive"),
    ],
)
def test_a_connection_is_kept_as_its_client_wishes(echo, version, header, connection):
    with connected(echo) as client:
        client.sendall(post("one", header, version=version))
        stream = client.makefile("rb")
        answer = read_answer(stream)

        assert echoed(answer, "one")
        assert answer[1]["connection"] == connection
        if connection == "close":
            assert stream.read() == b""
        else:
            client.sendall(post("two", header, version=version))
            assert echoed(read_answer(stream), "two")


def test_an_answer_reaches_a_client_that_sends_no_more(slow):
    with connected(slow) as client:
        client.sendall(post("sleep0.3") + post("two"))
        client.shutdown(socket.SHUT_WR)
        stream = client.makefile("rb")

        assert echoed(read_answer(stream), "sleep0.3")
        assert echoed(read_answer(stream), "two")
        assert stream.read() == b""


def test_a_body_that_ends_too_early_is_refused_and_not_scored(tmp_path):
    script = "import os\ndef init(): pass\ndef run(raw_data): open(os.environ['OUT'], 'w').close()"
    with running(tmp_path, script) as server:
        server.wait_until_ready()
        with connected(server) as client:
            client.sendall(post("four")[:-2])
            client.shutdown(socket.SHUT_WR)
            status, _, body = read_answer(client.makefile("rb"))

        assert (status, json.loads(body)["message"]) == (
            400,
            "The request body ended after 2 of 4 bytes.",
        )
        assert not (tmp_path / "out").exists()


def test_a_bad_request_is_refused_and_its_connection_closed(slow):
    with connected(slow) as client:
        client.sendall(b"GET / HTTP/1.1\r\nbad header\r\n\r\n" + post("never"))
        stream = client.makefile("rb")

        assert read_answer(stream)[0] == 400
        assert stream.read() == b""


def test_an_answer_in_pieces_waits_for_a_client_that_reads_slowly_and_nobody_else_does(tmp_path):
    with running(tmp_path, RAW) as server:
        server.wait_until_ready()
        with connected(server) as client:
            client.sendall(post("", path="/score?stream=200"))
            time.sleep(1)
            assert requests.get(server.url, timeout=5).text == "Healthy"
            status, _, body = read_answer(client.makefile("rb"))

    assert (status, len(body)) == (200, 20_000_000)


def test_a_client_that_leaves_while_its_answer_is_made_costs_the_others_nothing(tmp_path):
    with running(tmp_path, RAW) as server:
        server.wait_until_ready()
        for _ in range(3):
            with connected(server) as client:
                client.sendall(post("", path="/score?stream=200"))
                client.recv(100)

        assert server.score("still here").text == "still here"


def test_slow_and_silent_clients_are_no_hindrance(tmp_path):
    with running(tmp_path, ECHO, WORKER_COUNT="1") as server, ExitStack() as stack:
        server.wait_until_ready()
        silent = [stack.enter_context(connected(server)) for _ in range(100)]
        slow = [stack.enter_context(connected(server)) for _ in range(200)]
        for client in slow:
            client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-")

        assert [server.score(str(number)).json() for number in range(20)] == [
            str(number) for number in range(20)
        ]

        for client in slow[:5] + silent[:5]:
            rest = post("late") if client in silent else b"Length: 4\r\n\r\nlate"
            client.sendall(rest)
            assert echoed(read_answer(client.makefile("rb")), "late")


def test_a_unix_socket(tmp_path):
    path = tmp_path / "sock"
    with running(tmp_path, RAW, SCOREDOCK_BIND=f"unix:{path}") as server:
        wait_for_log(server, "ready for serving traffic")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(path))
            stream = client.makefile("rb")
            client.sendall(post("by name"))

            assert echoed(read_answer(stream), "by name")


def test_ipv6(tmp_path):
    with running(tmp_path, SLOW, SCOREDOCK_BIND="[::1]:0") as server:
        port = wait_for_log(server, r"Listening at: http://\[::1\]:(\d+)")[0]
        answer = requests.post(f"http://[::1]:{port}/score", data="six", timeout=20)

        assert answer.json() == "six"
        wait_for_log(server, 'gunicorn.access - ::1 - - .*"POST /score')


def test_tls(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run(
        [*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    arguments = f"--keyfile {key} --certfile {certificate}"
    with running(tmp_path, SLOW, GUNICORN_CMD_ARGS=arguments) as server:
        port = int(wait_for_log(server, r"Listening at: https://127\.0\.0\.1:(\d+)")[0])
        wait_for_log(server, "ready for serving traffic")
        silent = socket.create_connection(("127.0.0.1", port), timeout=20)
        context = ssl.create_default_context(cafile=str(certificate))
        target = f"https://127.0.0.1:{port}/score"
        with silent, requests.Session() as session:
            for body in ["one", "x" * 2_000_000]:
                answer = session.post(target, data=body, timeout=20, verify=str(certificate))
                assert answer.json() == body
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
            client.sendall(post("ahead") * 3)
            stream = client.makefile("rb")
            assert all(echoed(read_answer(stream), "ahead") for _ in range(3))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ConnectionResetError):
                assert client.recv(100) == b""  # that was no TLS


def test_a_worker_ends_after_its_requests_and_none_is_lost(tmp_path):
    with running(tmp_path, EVALUATE, GUNICORN_CMD_ARGS="--max-requests 5") as server:
        server.wait_until_ready()
        workers = [server.score("os.getpid()").json() for _ in range(12)]

        assert len(set(workers)) >= 3
        wait_for_log(server, "Autorestarting worker after current request")


def test_a_kept_connection_gets_its_answer_and_is_closed_when_the_server_ends(tmp_path):
    with running(tmp_path, SLOW) as server:
        server.wait_until_ready()
        with connected(server) as client:
            stream = client.makefile("rb")
            client.sendall(post("one"))
            assert echoed(read_answer(stream), "one")
            client.sendall(post("sleep1"))
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            wait_for_log(server, "Handling signal: term")
            answer = read_answer(stream)

            assert echoed(answer, "sleep1")
            assert answer[1]["connection"] == "close"
            assert stream.read() == b""
        assert server.exit_code() == 0


def test_no_request_is_lost_to_reloads(tmp_path):
    failed, done = [], threading.Event()

    def ask(server):
        with requests.Session() as session:
            while not done.is_set():
                try:
                    answer = session.post(f"{server.url}/score", data="1", timeout=20)
                except requests.RequestException as error:
                    failed.append(error)
                else:
                    if answer.status_code != 200:
                        failed.append(answer)

    with running(tmp_path, SLOW, WORKER_COUNT="2") as server:
        server.wait_until_ready()
        clients = [threading.Thread(target=ask, args=[server]) for _ in range(4)]
        for client in clients:
            client.start()
        for reload in range(1, 3):
            server.process.send_signal(signal.SIGHUP)
            wait_for_log(server, "ready for serving traffic", count=2 + 2 * reload)
            wait_for_log(server, "Worker exiting", count=2 * reload)
        done.set()
        for client in clients:
            client.join()

    assert failed == []


def answering_workers(server, count):
    """Connect so many times at once; return which workers answer."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(count)]
        for client in clients:
            client.sendall(post("os.getpid()"))
        return [read_answer(client.makefile("rb"))[2] for client in clients]


def test_connections_are_shared_between_the_workers(tmp_path):
    with running(tmp_path, EVALUATE, WORKER_COUNT="2") as server:
        server.wait_until_ready()
        wait_until(lambda: len(set(answering_workers(server, 4))) == 2, server.log)

        workers = answering_workers(server, 16)

    assert min(workers.count(worker) for worker in set(workers)) >= 5
    assert len(set(workers)) == 2


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_another_worker_can_be_chosen(tmp_path, worker):
    with running(tmp_path, SLOW, GUNICORN_CMD_ARGS=f"--worker-class {worker}") as server:
        server.wait_until_ready()

        assert server.score("other").json() == "other"
        wait_for_log(server, f"Using worker: {worker}")


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ("proxy_protocol = True", "it knows no PROXY protocol"),
        ("import gunicorn\ngunicorn.version_info = (99, 0)", "gunicorn .* is not known"),
        (
            "import gunicorn.http.body as body\ndel body.ChunkedReader",
            "gunicorn .* not as expected",
        ),
    ],
    ids=["settings", "version", "internals"],
)
def test_what_ours_cannot_do_is_gthreads_and_said(tmp_path, configuration, reason):
    files = {"gunicorn.conf.py": configuration}
    with running(tmp_path, SLOW, files=files, WORKER_COUNT="1") as server:
        wait_for_log(server, "Using worker: gthread")
        assert len(wait_for_log(server, f"W .* gthread, not ours: {reason}")) == 1
        if "PROXY" not in reason:
            assert server.wait_until_ready().score("other").json() == "other"


def test_a_worker_that_is_killed_is_replaced(tmp_path):
    with running(tmp_path, EVALUATE, WORKER_COUNT="2") as server:
        server.wait_until_ready()
        wait_for_log(server, "ready for serving traffic", count=2)
        for count in (3, 4):
            os.kill(server.score("os.getpid()").json(), signal.SIGKILL)
            wait_for_log(server, "ready for serving traffic", count=count)

        assert [server.score("1").json() for _ in range(10)] == [1] * 10


def test_many_silent_connections_are_let_go_of_in_time(tmp_path):
    with running(tmp_path, SLOW, GUNICORN_CMD_ARGS="--keep-alive 1") as server:
        server.wait_until_ready()
        with connected(server) as client:
            stream = client.makefile("rb")
            client.sendall(post("one"))
            assert echoed(read_answer(stream), "one")

            wait_until(lambda: stream.read() == b"")
