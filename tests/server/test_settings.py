import re
from pathlib import Path

import pytest
import requests

from serving import ECHO, run_command, running, wait_for_log, write_files
from support import ROOT

PAGE = ROOT / "docs" / "server-settings.md"
# name, what a value may be, default: as the page lists them.
ROWS = re.findall(
    r"^\| `([A-Z0-9_]+)`[^|]* \| ([^|]*) \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE
)
NAMES = [name for name, _, _ in ROWS]
WITHOUT_EFFECT = re.findall(
    "`([A-Z_]+)`", PAGE.read_text().partition("## Without effect")[2].partition("##")[0]
)

ONE_OR_MORE = "expected a whole number, 1 or more"
PORT = "expected a whole number, 1 to 65535"
SWITCH = "expected true or false"
WRONG = [
    ("WORKER_COUNT", "0", ONE_OR_MORE, 1),
    ("WORKER_COUNT", "-1", ONE_OR_MORE, 1),
    ("WORKER_COUNT", "two", ONE_OR_MORE, 1),
    ("SCOREDOCK_THREADS", "0", ONE_OR_MORE, 3),
    ("HEALTH_PORT", "0", PORT, 1),
    ("HEALTH_PORT", "65536", PORT, 1),
    ("SCOREDOCK_BIND", "127.0.0.1:http", "", 1),
    ("SCOREDOCK_BIND", "127.0.0.1:70000", "", 1),
    ("WORKER_TIMEOUT", "-1", "expected a whole number, 0 or more", 2),
    ("WORKER_TIMEOUT", "soon", "expected a whole number, 0 or more", 2),
    ("SCORING_TIMEOUT_MS", "-1", "expected a whole number, 0 or more", 3),
    ("SCORING_TIMEOUT_MS", "1.5", "expected a whole number, 0 or more", 3),
    ("SCOREDOCK_MAX_BODY_MB", "-1", "expected a whole number, 0 or more", 3),
    ("SCOREDOCK_HEAD_TIMEOUT", "0", ONE_OR_MORE, 3),
    ("SCOREDOCK_BODY_TIMEOUT", "0", ONE_OR_MORE, 3),
    ("SCOREDOCK_QUEUE_LENGTH", "many", "expected a whole number, 0 or more", 3),
    ("SCOREDOCK_BATCH_LIMIT", "0", "expected a whole number, 1 or more", 3),
    ("SEPERATE_HEALTH_ENDPOINT", "maybe", SWITCH, 3),
    ("WORKER_PRELOAD", "2", "expected auto, true or false", 3),
    ("SCOREDOCK_FAST_JSON", "orjson", SWITCH, 3),
    ("SCOREDOCK_COMPATIBILITY", "better", "expected reference or improved", 3),
    ("SCOREDOCK_ENCODE_RESULTS", "maybe", SWITCH, 3),
    ("SCOREDOCK_SCHEMA_ERRORS_AS_400", "maybe", SWITCH, 3),
    ("SCOREDOCK_FULL_ERROR_HEADERS", "maybe", SWITCH, 3),
    ("SCOREDOCK_NAN_AS_NULL", "maybe", SWITCH, 3),
    ("SCOREDOCK_VERIFY_MODELS", "maybe", SWITCH, 3),
    ("SCOREDOCK_LOG_FORMAT", "xml", "expected text or json", 3),
    ("SCOREDOCK_LOG_QUERIES", "maybe", SWITCH, 3),
    ("SCOREDOCK_METRICS", "maybe", SWITCH, 3),
    ("AZUREML_LOG_LEVEL", "LOUD", "expected DEBUG, INFO, WARNING, ERROR or CRITICAL", 3),
    ("AZUREML_DEBUG_PORT", "0", PORT, 3),
    ("SCOREDOCK_WATCH", "maybe", SWITCH, 3),
    ("SCOREDOCK_RELOAD", "always", "expected signal or watch", 3),
    ("SCOREDOCK_DEBUG_WAIT", "maybe", SWITCH, 3),
    ("SCOREDOCK_DEBUG_BIND", "127.0.0.1:70000", "expected a whole number, 0 to 65535", 3),
    ("SCOREDOCK_COLLECT_SAMPLE_PERCENT", "101", "expected a number, 0 to 100", 3),
    ("SCOREDOCK_COLLECT_SAMPLE_PERCENT", "nan", "expected a number, 0 to 100", 3),
    ("SCOREDOCK_COLLECT_MAX_MB", "0", ONE_OR_MORE, 3),
    ("SCOREDOCK_COLLECT_FILES", "-1", "expected a whole number, 0 or more", 3),
    ("AML_CORS_ORIGINS", "https://(a", "not a regular expression", 3),
]


@pytest.fixture
def script(tmp_path):
    write_files(tmp_path, {"score.py": ECHO})
    return tmp_path


def title(server):
    return requests.get(f"{server.url}/swagger.json", timeout=20).json()["info"]["title"]


def test_the_page_of_settings_is_what_the_command_prints(tmp_path):
    printed = run_command("--settings", cwd=tmp_path)

    assert printed.returncode == 0
    assert PAGE.read_text() == printed.stdout  # update: scoredock-server --settings > that file


def test_every_setting_has_a_test_of_its_effect():
    tests = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]

    covered = re.findall(r'@covers\((["A-Z0-9_, \n]+)\)', "\n".join(tests))

    assert set(re.findall("[A-Z0-9_]+", " ".join(covered))) == set(NAMES)


def test_every_setting_that_can_be_wrong_is_among_the_wrong_ones():
    # Any text is right here, and so is any value that is not true.
    free = [name for name, kind, _ in ROWS if kind == "text"]
    free.append("SERVER_VERSION_LOG_RESPONSE_ENABLED")

    assert {name for name, *_ in WRONG} - set(free) == set(NAMES) - set(free)


@pytest.mark.parametrize(("name", "value", "expectation", "status"), WRONG)
def test_a_wrong_value_ends_the_server_with_one_line_that_says_what_was_expected(
    script, name, value, expectation, status
):
    ended = run_command("--entry-script", "score.py", cwd=script, **{name: value})

    assert ended.returncode == status
    lines = (ended.stdout + ended.stderr).splitlines()
    assert len(lines) == 1, lines
    assert all(part in lines[0] for part in (name, value, expectation))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["--worker-count", "0"], "WORKER_COUNT"), (["--health_port", "x"], "HEALTH_PORT")],
)
def test_a_wrong_value_of_a_flag_is_told_in_the_same_way(script, arguments, name):
    ended = run_command("--entry-script", "score.py", *arguments, cwd=script)

    assert ended.returncode == 1
    assert f"{name}='{arguments[1]}': expected a whole number" in ended.stderr


def test_an_operators_wrong_value_is_told_by_the_operators_name(script):
    ended = run_command("--entry-script", "score.py", cwd=script, SCOREDOCK_WORKER_COUNT="no")

    assert (ended.returncode, ended.stderr.count("SCOREDOCK_WORKER_COUNT='no'")) == (1, 1)


def test_empty_settings_are_the_defaults(tmp_path):
    arguments = ["--entry-script", "code/score.py", "--bind", "127.0.0.1:0"]
    with running(tmp_path, ECHO, *arguments, **dict.fromkeys(NAMES, "")) as server:
        answer = server.wait_until_ready().score("body")

        assert answer.json() == "body"
        assert title(server) == "ML service"
        assert "Scoring timeout is set to 3600000" in server.log()


def test_a_name_in_another_case_counts_where_the_exact_one_is_missing(tmp_path):
    names = {"service_name": "lower", "Service_Version": "9", "SERVICE_VERSION": "2"}
    with running(tmp_path, ECHO, **names) as server:
        info = requests.get(f"{server.wait_until_ready().url}/swagger.json", timeout=20).json()

        assert (info["info"]["title"], info["info"]["version"]) == ("lower", "2")


def test_an_operators_variable_wins_over_the_specs(tmp_path):
    both = {
        "SERVICE_NAME": "spec",
        "SCOREDOCK_SERVICE_NAME": "operator",
        "WORKER_COUNT": "1",
        "SCOREDOCK_WORKER_COUNT": "2",
        "SCORING_TIMEOUT_MS": "7",
        "SCOREDOCK_SCORING_TIMEOUT_MS": "",  # counts as missing
    }
    with running(tmp_path, ECHO, **both) as server:
        server.wait_until_ready()

        assert title(server) == "operator"
        wait_for_log(server, "Scoring timeout is set to 7\n", count=2)


def test_a_flag_wins_over_the_operators_variable(tmp_path):
    operator = {"SCOREDOCK_WORKER_COUNT": "1", "SCOREDOCK_AZUREML_MODEL_DIR": "/operator"}
    script = (
        "import os\ndef init(): pass\ndef run(raw_data): return os.environ['AZUREML_MODEL_DIR']"
    )
    flags = ["--worker_count", "2", "--model_dir", "/flag"]
    with running(tmp_path, script, *flags, **operator) as server:
        answer = server.wait_until_ready().score()

        assert answer.json() == "/flag"
        wait_for_log(server, "ready for serving traffic", count=2)


def test_what_needs_a_cloud_account_is_said_to_be_without_effect(script):
    checked = run_command(
        *["--entry-script", "score.py", "--check"],
        cwd=script,
        **dict.fromkeys(WITHOUT_EFFECT, "true"),
    )

    lines = [line for line in checked.stderr.splitlines() if "without effect" in line]
    assert checked.returncode == 0
    assert len(lines) == 1
    assert ", ".join(WITHOUT_EFFECT) in lines[0]


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        (["--appinsights_instrumentation_key", "1-2"], "AML_APP_INSIGHTS_KEY"),
        (["--rest"], "TRANSPORT_PROTOCOL"),
    ],
)
def test_a_flag_that_needs_a_cloud_account_is_accepted(script, flag, name):
    checked = run_command("--entry_script", "score.py", *flag, "--check", cwd=script)

    assert checked.returncode == 0
    assert f"{name}: without effect here" in checked.stderr
