import re
from datetime import datetime, timezone

import pytest
import requests

from serving import EVALUATE, covers, running, wait_for_log

HEAD = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [DIWEC] \[\d+\] "
LINE = HEAD + r"[\w.]+ - "
CAPTURES = """
import contextlib, io

def captured(*values):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        print(*values)
    return text.getvalue()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    with running(folder, EVALUATE + CAPTURES, TZ="Pacific/Honolulu") as server:  # 10 hours off
        yield server.wait_until_ready()


def test_every_line_has_the_time_in_utc_a_letter_the_process_and_the_logger(server):
    assert server.score("1").status_code == 200

    rows = server.log().splitlines()
    began = [row for row in rows if not row.startswith((" ", "Traceback"))]
    assert began
    assert [row for row in began if not re.match(LINE, row)] == []
    stamp = datetime.strptime(began[-1][:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    assert abs((datetime.now(timezone.utc) - stamp).total_seconds()) < 60
    assert {re.match(r".*\[(\d+)\]", row)[1] for row in began if "azmlinfsrv" in row} == {
        server.score("os.getpid()").text
    }


def test_the_start_is_told_once_in_the_words_that_monitoring_looks_for(server):
    for words in (
        "azmlinfsrv.user_script - Found user script at /",
        "azmlinfsrv.user_script - Invoking user's init function",
        "azmlinfsrv.user_script - Users's init has completed successfully\n",
        "azmlinfsrv - Scoring timeout is set to 3600000\n",
        "ready for serving traffic\n",
        "gunicorn.error - Listening at: http://127.0.0.1:",
    ):
        assert server.log().count(words) == 1, words


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("print('a', 1, None)", "a 1 None"),
        ("print('b', 2, sep='-', end='!', flush=True)", "b-2"),
        ("print('c', 3, sep=None)", "c 3"),
        ("print('100 %s')", "100 %s"),
        ("print('d', file=sys.stdout)", "d"),
        ("print()", ""),
    ],
)
def test_print_is_a_line_of_the_log(server, call, text):
    server.score(call)

    wait_for_log(server, rf"(?m)^{HEAD}azmlinfsrv\.print - {re.escape(text)}$")


def test_print_to_another_file_is_left_alone(server, tmp_path):
    other = tmp_path / "file"

    server.score("print('to stderr', 'as is', sep='|', end='.\\n', file=sys.stderr)")
    server.score(f"print('to a file', file=open({str(other)!r}, 'w'))")
    captured = server.score("captured('to', 'memory')")

    assert captured.json() == "to memory\n"
    wait_for_log(server, r"(?m)^to stderr\|as is\.$")
    assert other.read_text() == "to a file\n"
    assert "azmlinfsrv.print - to" not in server.log()


def test_what_the_script_logs_is_in_the_log_once_from_info_on(server):
    server.score("logging.getLogger('mine').debug('a debug')")
    server.score("logging.getLogger('mine').info('an info')")
    server.score("logging.info('of the root')")
    server.score("logging.getLogger('azmlinfsrv').warning('of the server')")

    found = wait_for_log(server, rf"(?m)^{HEAD}([\w.]+ - (?:a debug|an info|of the .*))", count=3)
    assert found == ["mine - an info", "root - of the root", "azmlinfsrv - of the server"]


def test_each_request_has_a_line_with_its_query_time_length_and_ids(server):
    headers = {"x-request-id": "one", "x-ms-request-id": "two", "x-ms-client-request-id": "three"}

    server.score("'four'", headers=headers, params={"a": "b c"})
    requests.get(f"{server.url}/swagger.json", headers={"x-request-id": "five"}, timeout=20)

    wait_for_log(server, r"azmlinfsrv - POST /score\?a=b\+c 200 \d+\.\d{3}ms 6 \[one two three\]\n")
    wait_for_log(server, r"azmlinfsrv - GET /swagger\.json 200 \d+\.\d{3}ms \d+ \[five\]\n")
    wait_for_log(
        server, r'gunicorn\.access - 127\.0\.0\.1 .*"POST /score\?a=b\+c HTTP/1\.1" 200 6 '
    )


def test_a_client_cannot_write_lines_of_the_log(server):
    target = f"{server.url}/score?a=%0A2026-01-01%20forged"

    requests.post(target, data="1", headers={"x-request-id": "forged"}, timeout=20)

    wait_for_log(server, r"POST /score\?a=.* \[forged\]\n")
    assert "\n2026-01-01 forged" not in server.log()


def test_health_checks_are_not_in_the_log(server):
    requests.get(server.url, timeout=20)
    requests.get(f"{server.url}/?loud", timeout=20)

    wait_for_log(server, r'gunicorn\.access - .*"GET /\?loud HTTP')
    assert '"GET / HTTP' not in server.log()


def test_the_traceback_of_run_is_in_the_log_with_the_ids_and_not_in_the_answer(server):
    answer = server.score("[][7]", headers={"x-request-id": "failing"})

    assert list(answer.json()) == ["message"]
    assert "IndexError" not in answer.text
    wait_for_log(
        server,
        r" E \[\d+\] azmlinfsrv - run\(\) failed \[failing\]\nTraceback (?:.*\n)+?"
        r'  File ".*/code/score\.py", line \d+, in run\n(?: .*\n)+IndexError: ',
    )


def test_the_cause_of_an_error_is_in_the_log_too(tmp_path):
    script = (
        "def init(): pass\n"
        "def run(raw_data):\n"
        "    try: {}[raw_data]\n"
        "    except KeyError as error: raise ValueError('unknown') from error\n"
    )
    with running(tmp_path, script) as server:
        server.wait_until_ready().score("name")

        wait_for_log(server, "KeyError: 'name'\n\nThe above (?:.*\n)+?ValueError: unknown")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("ValueError('\\ud800')", r"ValueError: \\ud800"),
        ("IndentationError('why', ('file.py', 'x', 'y', 5))", "IndentationError"),
    ],
    ids=["no-text", "no-traceback"],
)
def test_an_error_that_can_hardly_be_written_is_in_the_log_all_the_same(tmp_path, error, text):
    script = f"def init(): pass\ndef run(raw_data): raise {error}"
    with running(tmp_path, script) as server:
        server.wait_until_ready().score()

        wait_for_log(server, text)
        assert "Logging error" not in server.log()


def test_a_script_may_set_up_its_own_logging(tmp_path):
    script = (
        "import logging\n"
        "logging.basicConfig(format='MINE %(message)s', level='DEBUG')\n"
        "def init(): logging.getLogger('x').debug('mine alone')\n"
        "def run(raw_data): pass"
    )
    with running(tmp_path, script) as server:
        server.wait_until_ready().score()

        assert wait_for_log(server, "(?m)^.*mine alone$") == ["MINE mine alone"]
        assert server.log().count("Users's init has completed successfully") == 1
        wait_for_log(server, f"(?m)^{LINE}POST /score 200")


def test_a_script_may_take_the_lines_of_requests_for_itself(tmp_path):
    script = (
        "import logging, sys\n"
        "class Own(logging.Handler):\n"
        "    def emit(self, record): sys.stderr.write('TAKEN ' + record.getMessage() + '\\n')\n"
        "def init(): logging.getLogger('azmlinfsrv').addHandler(Own())\n"
        "def run(raw_data): return 1"
    )
    with running(tmp_path, script) as server:
        server.wait_until_ready().score(headers={"x-request-id": "one"})

        wait_for_log(server, r"(?m)^TAKEN POST /score 200 [\d.]+ms 1 \[one\]$")
        wait_for_log(server, rf"(?m)^{LINE}POST /score 200 [\d.]+ms 1 \[one\]$")


OWN = """{
  "version": 1, "disable_existing_loggers": false,
  "formatters": {"f": {"format": "OWN %s %%(name)s %%(message)s"}},
  "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
  "loggers": {"azmlinfsrv": {"level": "INFO"}},
  "root": {"level": "DEBUG", "handlers": ["h"]}
}"""


def test_a_logging_json_in_the_root_wins_over_the_scripts_and_replaces_our_format(tmp_path):
    files = {"logging.json": OWN % "root", "code/logging.json": OWN % "beside"}
    starts = []
    for _ in range(2):
        with running(tmp_path, EVALUATE, files=files) as server:
            server.wait_until_ready().score("print('seen')")
            wait_for_log(server, "OWN .* azmlinfsrv.print seen")
            starts.append(server.log())
        files.pop("logging.json", None)
        (tmp_path / "azureml-app" / "logging.json").unlink(missing_ok=True)

    found = [set(re.findall("(?m)^OWN (root|beside) azmlinfsrv", log)) for log in starts]
    assert found == [{"root"}, {"beside"}]
    assert [re.findall(f"{LINE}Users's init", log) for log in starts] == [[], []]


@covers("AZUREML_LOG_LEVEL")
@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["seen DEBUG", "seen INFO", "seen ERROR"]),
        ("WARNING", ["seen ERROR"]),
        ("CRITICAL", []),
    ],
)
def test_the_log_level_is_that_of_the_script_and_the_server(tmp_path, level, expected):
    write = "logging.getLogger('mine').log(logging.{0}, 'seen {0}')"
    with running(tmp_path, EVALUATE, AZUREML_LOG_LEVEL=level) as server:
        server.wait_until_ready()
        for each in ("DEBUG", "INFO", "ERROR"):
            server.score(write.format(each))
        wait_for_log(server, '"POST /score', count=3)  # the access log is gunicorn's

        assert [
            line.partition(" mine - ")[2]
            for line in server.log().splitlines()
            if " mine - " in line
        ] == expected
        assert ("azmlinfsrv - POST /score" in server.log()) == (level == "debug")
