"""A fuzz of the server through its socket: malformed HTTP, which our worker must survive.

FUZZ_REQUESTS and FUZZ_SEED: see test_application.py; half of the requests are sent here.
FUZZ_WORKER is a worker class of gunicorn's, as gthread, in the place of ours.
"""

import os
import re
import socket
import struct
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest
from fuzz.malformed import sending

from serving import running

ENTRY = Path(__file__).parent / "entries" / "text.py"
IN_ALL = int(os.environ.get("FUZZ_REQUESTS") or 10_000)
SEED = int(os.environ.get("FUZZ_SEED") or 1)
WORKER = os.environ.get("FUZZ_WORKER") or "scoredock_server.worker.ScoringWorker"
CONNECTIONS = IN_ALL // 2
# Seconds after which an answer hangs, on a machine that has other things to do.
PATIENCE = 30

# gunicorn answers in the version of the request.
HEAD = re.compile(
    rb"HTTP/[0-9]+\.[0-9]+ [2-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*\r\n"
    rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n"
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?: .*\n)+.*")
# Nothing that a client sends makes our entry script fail either.
FAULT = re.compile(
    r"this is a fault of the server|run\(\) (failed|was)|--- Logging error ---"
    r"|WORKER TIMEOUT|Error handling request|Exception in worker process"
)


def answer_to(port, what):
    """Send it and return what comes back: nothing where the client does not wait for it."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The server may answer and close before it has read everything.
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in what.pieces:
                connection.sendall(piece)
        if what.ending == "reset":
            at_once = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        return all_received(connection) if what.ending == "half-close" else b""


def all_received(connection):
    answer = b""
    # Closed with bytes that it has not read, the server resets.
    with suppress(ConnectionResetError):
        with suppress(OSError):  # it is closed already
            connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            answer += part
    return answer.removeprefix(CONTINUE)


def is_http(answer):
    """Tell whether it is nothing, or responses and nothing else."""
    while answer:
        head = HEAD.match(answer)
        if not head:
            return False
        length = re.search(rb"\r\nContent-Length: ([0-9]+)\r\n", head[0])
        answer = answer[head.end() :]
        # A reset may cut the end off, and there is no body for a HEAD.
        if not answer.startswith(b"HTTP/"):
            size = int(length[1] if length else 0)
            if size < len(answer) and not size:
                return False
            answer = answer[size:]
        answer = answer.removeprefix(CONTINUE)
    return True


def faults_of(log):
    tracebacks = [found for found in TRACEBACK.findall(log) if "scoredock_server" in found]
    return tracebacks + [found[0] for found in FAULT.finditer(log)]


def fail(what, sent):
    sent_by = "\n".join(f"{each.ending}: {each.pieces}"[:3000] for each in sent)
    again = f"FUZZ_WORKER={WORKER} FUZZ_REQUESTS={IN_ALL} FUZZ_SEED={SEED}"
    again += " scripts/test tests/fuzz/test_sockets.py"
    pytest.fail(f"{what}\nSent, the last one first:\n{sent_by}\nAgain: {again}", pytrace=False)


def play(port, connections, log):
    """Send each, check each answer and what is new in the log; count the answers' statuses."""
    statuses = Counter()
    sent = deque(maxlen=10)  # what is in the log may come from an earlier one
    for each in connections:
        sent.appendleft(each)
        try:
            answer = answer_to(port, each)
        except OSError as error:  # a timeout above all
            fail(f"{error!r} within {PATIENCE} s", [each])
        if not is_http(answer):
            fail(f"no HTTP: {answer!r}", [each])
        if faults := faults_of(log.read()):
            fail("\n".join(faults), sent)
        statuses[answer.partition(b" ")[2][:3].decode()] += 1
    return statuses


def test_no_bytes_harm_the_server(tmp_path):
    rng = Random(SEED)
    options = {"AML_CORS_ORIGINS": "https://a.*", "WORKER_COUNT": "2"}
    if os.environ.get("FUZZ_WORKER"):
        options["GUNICORN_CMD_ARGS"] = f"--worker-class {WORKER}"
    with running(tmp_path, ENTRY.read_text(), **options) as server:
        server.wait_until_ready()
        with (tmp_path / "log").open(errors="replace") as log:
            port = int(server.url.rpartition(":")[2])
            statuses = play(port, (sending(rng) for _each in range(CONNECTIONS)), log)

        print(statuses)  # what pytest -rP shows
        assert f"Using worker: {WORKER}" in server.log()
        assert server.score("{}").json()["text"] == "{}"
        assert faults_of(server.log()) == []
        booted = re.findall(r"Booting worker with pid: (\d+)", server.log())
        assert len(booted) == 2, server.log()[-5000:]
        assert all(psutil.pid_exists(int(pid)) for pid in booted)
