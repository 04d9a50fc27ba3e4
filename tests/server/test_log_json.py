import json
import re
import signal

import pytest
import requests

from serving import EVALUATE, covers, running, wait_for_log, wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
IDS = {
    "x-request-id": "one",
    "x-ms-request-id": "two",
    "x-ms-client-request-id": "three",
    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    with running(folder, EVALUATE, SCOREDOCK_LOG_FORMAT="json", TZ="Pacific/Honolulu") as server:
        yield server.wait_until_ready()


def lines(server, count=1, **wanted):
    """Return the objects of the log that have these fields, once there are so many."""

    def found():
        rows = map(json.loads, server.log().splitlines())
        return [row for row in rows if wanted.items() <= row.items()]

    wait_until(lambda: len(found()) >= count, server.log)
    return found()


@covers("SCOREDOCK_LOG_FORMAT")
def test_a_request_is_one_line_with_all_that_is_known_of_it(server):
    server.score("'é'.encode()[0]", headers=IDS)

    [line] = lines(server, request_id="one")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    duration, run = line.pop("duration_ms"), line.pop("run_ms")
    assert 0 <= run <= duration < 10_000
    assert isinstance(line.pop("process"), int)
    assert line == {
        "level": "INFO",
        "logger": "azmlinfsrv",
        "message": "POST /score 200",
        "method": "POST",
        "path": "/score",
        "status": 200,
        "request_bytes": 16,
        "response_bytes": 3,
        "client": "127.0.0.1",
        "request_id": "one",
        "ms_request_id": "two",
        "client_request_id": "three",
        "trace_id": TRACE,
    }


def test_a_request_that_is_no_route_or_has_a_long_id_has_its_line_too(server):
    requests.get(f"{server.url}/nowhere", timeout=20)
    server.score("1", headers={"x-request-id": "i" * 101})

    [line] = lines(server, path="/nowhere")
    assert (line["status"], "run_ms" in line) == (404, False)
    assert len(lines(server, status=431)) == 1


def test_what_the_script_prints_and_logs_in_a_request_tells_which(server):
    own = {"x-request-id": "speaking"}
    server.score("print('loud', 'and \"clear\"\\n')", headers=own)
    server.score("logging.getLogger('mine').warning('of %s', 'mine')", headers=own)
    server.score("logging.getLogger('mine').debug('too little')", headers=own)

    told = [
        (row["logger"], row["level"], row["message"])
        for row in lines(server, count=5, request_id="speaking")
    ]
    assert told == [
        ("azmlinfsrv.print", "INFO", 'loud and "clear"\n'),
        ("azmlinfsrv", "INFO", "POST /score 200"),
        ("mine", "WARNING", "of mine"),
        ("azmlinfsrv", "INFO", "POST /score 200"),
        ("azmlinfsrv", "INFO", "POST /score 200"),
    ]


def test_what_is_logged_between_requests_belongs_to_none(server):
    later = "threading.Timer(0.3, logging.getLogger('later').info, ['late']).start()"
    server.score(later, headers={"x-request-id": "before"})

    [line] = lines(server, logger="later")
    assert "request_id" not in line


def test_a_traceback_is_in_the_line_of_its_record(server):
    server.score("[][7]", headers={"x-request-id": "failing"})

    failed, answered = lines(server, count=2, request_id="failing")
    assert failed["message"].startswith("run() failed")
    assert failed["exception"].splitlines()[-1] == "IndexError: list index out of range"
    assert answered["status"] == 500


@pytest.mark.parametrize("text", ["\\ud800", "\\x1b[2J", "\\u2028", "\\x00"])
def test_any_text_is_one_line_of_json(server, text):
    code = ascii(text).replace("\\\\", "\\")
    server.score(f"print({code})")

    [line] = lines(
        server,
        message=json.loads(f'"{text}"'.replace("\\x1b", "\\u001b").replace("\\x00", "\\u0000")),
    )
    assert line["logger"] == "azmlinfsrv.print"


def test_every_line_from_the_start_to_the_end_is_json(tmp_path):
    with running(tmp_path, EVALUATE, SCOREDOCK_LOG_FORMAT="json") as server:
        server.wait_until_ready().score("1")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait()

        rows = [json.loads(row) for row in server.log().splitlines()]
        assert {"gunicorn.error", "azmlinfsrv", "azmlinfsrv.user_script"} <= {
            row["logger"] for row in rows
        }
        assert "gunicorn.access" not in {row["logger"] for row in rows}


SECRET = {"token": "a secret"}


@covers("SCOREDOCK_LOG_QUERIES")
@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    ("variables", "is_there"),
    [
        ({}, True),
        ({"SCOREDOCK_COMPATIBILITY": "improved"}, False),
        ({"SCOREDOCK_LOG_QUERIES": "false"}, False),
        ({"SCOREDOCK_COMPATIBILITY": "improved", "SCOREDOCK_LOG_QUERIES": "true"}, True),
    ],
)
def test_query_strings_are_written_where_they_are_asked_for(
    tmp_path, log_format, variables, is_there
):
    with running(tmp_path, EVALUATE, SCOREDOCK_LOG_FORMAT=log_format, **variables) as server:
        server.wait_until_ready()
        referring = {"Referer": "https://portal.example/?a+secret", "x-request-id": "r1"}
        server.score("'in the body'", params=SECRET, headers=referring)
        requests.get(f"{server.url}/score", params=SECRET | {"raw_data": "1"}, timeout=20)
        requests.get(f"{server.url}/none", params=SECRET, timeout=20)

        wait_for_log(server, r"GET /none|azmlinfsrv - GET /score|/none")
        wait_for_log(server, "POST /score")
        assert ("a+secret" in server.log()) is is_there
        assert "in the body" not in server.log()
