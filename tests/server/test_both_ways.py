"""A request is told of once and refused alike, whether Flask answers it or our worker does."""

import json
import re
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from wire import RAW, SLOW, connected, post, read_answer

from serving import ECHO, EVALUATE, ask_to_reload, running, wait_for_log, wait_until, write_files

KEY = "first-key-0123456789abcdef"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
METRICS = {"SCOREDOCK_METRICS": "true"}
# Beside Flask, and through it.
SCRIPTS = pytest.mark.parametrize("script", [SLOW, RAW], ids=["plain", "raw"])
# What it computes no signal stops.
STUCK = """
import hashlib

def init():
    pass

def run(raw_data):
    if raw_data == "stuck":
        hashlib.pbkdf2_hmac("sha256", b"x", b"salt", 3_000_000)
    return raw_data
"""
RAW_STUCK = STUCK.replace("def run(raw_data):", "@rawhttp\ndef run(request):").replace(
    'raw_data == "stuck"', 'request.get_data() == b"stuck"'
).replace("return raw_data", 'return "done"').replace(
    "import hashlib", "import hashlib\nfrom azureml.contrib.services.aml_request import rawhttp"
)  # fmt: skip
COUNTING = (
    EVALUATE
    + """
import prometheus_client
seen = prometheus_client.Counter("of_the_script", "What the script counts.")
name = {!r}
"""
)
COUNT = "seen.inc() or name"


def page(server):
    return requests.get(f"{server.url}/metrics", timeout=20).text


def value(server, name):
    found = re.search(rf"(?m)^{re.escape(name)} (\S+)$", page(server))
    return float(found[1]) if found else None


def lines(server, request_id):
    """Return the lines of the log, as JSON, that tell of an answer to this request.

    Waits for the first of them: our worker writes it once the answer is sent.
    """

    def found():
        rows = map(json.loads, server.log().splitlines())
        return [row for row in rows if row.get("request_id") == request_id and "status" in row]

    wait_until(found, server.log)
    return found()


@pytest.fixture(scope="module", params=[ECHO, RAW], ids=["plain", "raw"])
def keyed(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keyed")
    write_files(folder, {"keys": KEY})
    with running(folder, request.param, SCOREDOCK_KEY_FILE=str(folder / "keys")) as server:
        yield server.wait_until_ready()


def test_a_refusal_without_a_key_has_the_same_headers_on_both_ways(keyed):
    ids = {"x-request-id": "one", "Origin": "https://portal.example", "traceparent": TRACE}
    by_worker = keyed.score("", headers=ids)
    by_flask = requests.get(f"{keyed.url}/score", headers=ids, timeout=20)

    assert (by_worker.status_code, by_worker.text) == (by_flask.status_code, by_flask.text)
    assert by_worker.headers["WWW-Authenticate"] == "Bearer"
    told = [{**answer.headers, "Date": ""} for answer in (by_worker, by_flask)]
    assert told[0] == told[1]


def test_a_body_is_not_waited_for_without_a_key(keyed):
    head = post("").replace(b"Length: 0", b"Length: 1000000")
    with connected(keyed) as client:
        client.sendall(head)

        assert read_answer(client.makefile("rb"))[0] == 401


def test_a_client_is_refused_without_a_key_while_run_is_busy(tmp_path):
    write_files(tmp_path, {"keys": KEY})
    with running(tmp_path, SLOW, SCOREDOCK_KEY_FILE=str(tmp_path / "keys")) as server:
        server.wait_until_ready()
        with connected(server) as busy, connected(server) as other:
            for client in (busy, other):  # both are known before run() is busy
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                read_answer(client.makefile("rb"))
            busy.sendall(post("sleep3", f"Authorization: Bearer {KEY}"))
            time.sleep(0.5)
            other.sendall(post("quick"))
            other.settimeout(2)
            refused = read_answer(other.makefile("rb"))
            answered = read_answer(busy.makefile("rb"))

        assert (refused[0], answered[0]) == (401, 200)


def test_a_user_in_the_request_is_in_gunicorns_line_as_ever(tmp_path):
    with running(tmp_path, ECHO) as server:
        server.wait_until_ready().score("1", auth=("someone", "secret"))

        wait_for_log(server, r'gunicorn\.access - 127\.0\.0\.1 - someone \[.*"POST /score HTTP')
        assert "secret" not in server.log()


@pytest.mark.needs("prometheus_client")
@SCRIPTS
def test_what_the_worker_refuses_is_logged_counted_and_traced(tmp_path, script):
    variables = {"SCOREDOCK_MAX_BODY_MB": "1", "SCOREDOCK_LOG_FORMAT": "json", **METRICS}
    with running(tmp_path, script, **variables) as server:
        server.wait_until_ready()
        headers = {"x-request-id": "long", "traceparent": TRACE}
        refused = server.score("x" * 1_000_001, headers=headers)

        assert (refused.status_code, refused.headers["traceparent"]) == (413, TRACE)
        [line] = lines(server, "long")
        assert (line["status"], line["path"], line["trace_id"]) == (413, "/score", TRACE[3:35])
        assert "run_ms" not in line
        assert value(server, 'scoredock_requests_total{path="/score",status="413"}') == 1
        assert value(server, "scoredock_requests_in_flight") == 0


STUCK_SCRIPTS = pytest.mark.parametrize("script", [STUCK, RAW_STUCK], ids=["plain", "raw"])


@pytest.mark.needs("prometheus_client")
@STUCK_SCRIPTS
def test_a_request_that_is_answered_for_is_counted_once(tmp_path, script):
    variables = {"SCORING_TIMEOUT_MS": "300", "SCOREDOCK_LOG_FORMAT": "json", **METRICS}
    with running(tmp_path, script, **variables) as server:
        server.wait_until_ready()

        answer = server.score("stuck", headers={"x-request-id": "stuck", "traceparent": TRACE})
        wait_until((lambda: server.score("more").status_code == 200), within=60)

        assert (answer.status_code, answer.headers["traceparent"]) == (500, TRACE)
        [line] = lines(server, "stuck")
        assert line["status"] == 500
        assert value(server, 'scoredock_requests_total{path="/score",status="500"}') == 1
        assert value(server, 'scoredock_requests_total{path="/score",status="200"}') == 1
        assert value(server, "scoredock_requests_in_flight") == 0


@STUCK_SCRIPTS
def test_a_request_that_is_answered_for_has_its_two_lines_once(tmp_path, script):
    with running(tmp_path, script, SCORING_TIMEOUT_MS="300") as server:
        server.wait_until_ready().score("stuck")
        wait_until((lambda: server.score("more").status_code == 200), within=60)

        # Until it has ended, the others are a 503.
        assert wait_for_log(server, r"azmlinfsrv - POST /score ([25]0[02])", 2) == ["500", "200"]
        assert wait_for_log(server, r'"POST /score HTTP/1.1" ([25]0[02])', 2) == ["500", "200"]


@pytest.mark.needs("prometheus_client")
def test_requests_that_wait_in_a_busy_worker_are_told_by_the_other(tmp_path):
    with running(tmp_path, EVALUATE, WORKER_COUNT="2", **METRICS) as server, ExitStack() as stack:
        wait_for_log(server.wait_until_ready(), "ready for serving traffic", count=2)
        clients = {}
        while max(map(len, clients.values()), default=0) < 3:
            client = stack.enter_context(connected(server))
            client.sendall(post("os.getpid()"))
            clients.setdefault(read_answer(client.makefile("rb"))[2], []).append(client)
        busy, *waiting = max(clients.values(), key=len)
        busy.sendall(post("time.sleep(3)"))
        time.sleep(0.3)
        for client in waiting:
            client.sendall(post("1"))

        wait_until(lambda: value(server, "scoredock_queue_length") == 2, within=2.5)
        assert [read_answer(client.makefile("rb"))[0] for client in waiting] == [200, 200]
        wait_until(lambda: value(server, "scoredock_queue_length") == 0)


@pytest.mark.needs("prometheus_client")
def test_the_files_of_the_metrics_are_no_reason_against_loading_once(tmp_path):
    variables = {"WORKER_COUNT": "2", "WORKER_PRELOAD": "auto", **METRICS}
    with running(tmp_path, COUNTING.format("old"), **variables) as server:
        server.wait_until_ready()
        server.score(COUNT)
        write_files(tmp_path / "azureml-app", {"code/score.py": COUNTING.format("newer")})
        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "Worker exiting", count=2)

        assert server.score(COUNT).json() == "newer"
        assert server.log().count("The script is loaded once, for all workers") == 2
        assert value(server, "of_the_script_total") == 2
        assert value(server, "scoredock_worker_starts_total") == 4


@pytest.mark.needs("prometheus_client")
def test_a_server_beside_another_goes_on_with_its_counts_and_files(tmp_path):
    variables = {"SCOREDOCK_RELOAD_SOCKET": str(tmp_path / "reload.sock"), **METRICS}
    with running(tmp_path, COUNTING.format(0), **variables) as server:
        server.wait_until_ready()
        folder = Path(server.score("os.environ['PROMETHEUS_MULTIPROC_DIR']").json())
        files = []
        for number in range(1, 6):
            server.score(COUNT)
            code = {"code/score.py": COUNTING.format(number)}
            write_files(tmp_path / "azureml-app", code)
            assert ask_to_reload(tmp_path) == (0, "loaded")
            assert server.score("name").json() == number
            files.append(len(list(folder.iterdir())))

        assert value(server, "of_the_script_total") == 5
        assert value(server, "scoredock_worker_starts_total") == 6
        assert files[-1] <= files[-2] <= files[-3]
