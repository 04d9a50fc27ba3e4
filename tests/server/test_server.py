import ast
import signal
import threading

import pytest
import requests

from support import ROOT

ECHO = "import json\ndef init(): pass\ndef run(raw_data): return json.loads(raw_data)\n"


def test_run_gets_the_body_as_text_and_its_result_is_json(serve):
    server = serve(
        "def init(): pass\ndef run(raw_data): return [type(raw_data).__name__, raw_data]"
    )

    answer = server.wait_until_ready().score("é ")

    assert (answer.status_code, answer.json()) == (200, ["str", "é "])
    assert answer.headers["Content-Type"] == "application/json"


def test_the_root_says_healthy(serve):
    server = serve(ECHO).wait_until_ready()

    answer = requests.get(server.url, timeout=5)

    assert (answer.status_code, answer.text) == (200, "Healthy")


@pytest.mark.parametrize(
    "variables",
    [{"WORKER_COUNT": "2"}, {"WORKER_COUNT": "1", "SCOREDOCK_WORKER_COUNT": "2"}],
)
def test_init_runs_once_in_each_worker_and_the_operators_count_wins(serve, variables):
    script = (
        "import os\ndef init(): open(os.environ['OUT'], 'a').write('.')\ndef run(raw_data): pass"
    )
    server = serve(script, **variables).wait_until_ready()
    while server.log().count("ready") < 2:
        requests.get(server.url, timeout=5)

    out = server._log.with_name("out").read_text()

    assert out == ".."


def test_an_exception_in_run_is_a_json_500_and_its_traceback_is_in_the_log(serve):
    server = serve("def init(): pass\ndef run(raw_data): return 1 / len(raw_data)")

    answer = server.wait_until_ready().score("")

    assert answer.status_code == 500
    assert "scoring script" in answer.json()["message"]
    assert "ZeroDivisionError" in server.log()
    assert server.score("12").json() == 0.5


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/score", b"\xff", 400),
        ("GET", "/score", b"", 405),
        ("POST", "/", b"", 405),
        ("GET", "/nowhere", b"", 404),
    ],
)
def test_a_request_that_cannot_be_scored_gets_a_json_message(serve, method, path, body, status):
    server = serve(ECHO).wait_until_ready()

    answer = requests.request(method, server.url + path, data=body, timeout=5)

    assert answer.status_code == status
    assert answer.json()["message"]


def test_a_result_that_is_not_json_is_a_500_and_the_reason_is_in_the_log(serve):
    server = serve("def init(): pass\ndef run(raw_data): return object()")

    answer = server.wait_until_ready().score()

    assert answer.status_code == 500
    assert "internal error" in answer.json()["message"]
    assert "not JSON serializable" in server.log()


@pytest.mark.parametrize(
    ("script", "logged"),
    [
        ("run = print\ndef init(): raise RuntimeError('no model')", "RuntimeError: no model"),
        ("run = print\nimport sys\ndef init(): sys.exit(0)", "SystemExit: 0"),
        ("def init(:", "SyntaxError"),
        ("import absent_package", "No module named 'absent_package'"),
        ("def run(raw_data): pass", "defines no function init()"),
        ("def init(): pass", "defines no function run()"),
    ],
)
def test_a_script_that_cannot_start_ends_the_server_with_3_and_says_why(serve, script, logged):
    server = serve(script)

    code = server.exit_code()

    assert code == 3
    assert logged in server.log()


def test_a_missing_entry_script_ends_the_server_with_3_and_names_the_path(serve):
    server = serve(ECHO, AZUREML_ENTRY_SCRIPT="code/other.py")

    code = server.exit_code()

    assert code == 3
    assert "code/other.py" in server.log()


def test_a_script_imports_what_lies_beside_it(serve):
    script = "from helper import answer\ndef init(): pass\ndef run(raw_data): return answer"
    server = serve(script, files={"code/helper.py": "answer = 42"})

    answer = server.wait_until_ready().score()

    assert answer.json() == 42


def test_what_a_script_defines_can_be_pickled(serve):
    script = (
        "import pickle\nclass Model: value = 7\ndef init(): pass\n"
        "def run(raw_data): return pickle.loads(pickle.dumps(Model())).value"
    )
    server = serve(script)

    answer = server.wait_until_ready().score()

    assert answer.json() == 7


@pytest.mark.parametrize(
    ("models", "variables", "expected"),
    [
        ({"a/2/f": "", "a/10/f": ""}, {}, "azureml-models/a/10"),
        ({"a/1/f": "", "b/1/f": ""}, {}, "azureml-models"),
        ({}, {}, "azureml-models"),
        ({"a/1/f": ""}, {"AZUREML_MODEL_DIR": "/given"}, "/given"),
    ],
)
def test_the_model_folder_is_the_newest_version_of_one_model_or_the_volume(
    serve, models, variables, expected
):
    script = (
        "import os\ndef init(): pass\ndef run(raw_data): return os.environ['AZUREML_MODEL_DIR']"
    )
    server = serve(script, models=models, **variables)

    answer = server.wait_until_ready().score()

    assert answer.json().endswith(expected)


def test_hooks_run_before_the_server_in_the_order_of_their_names(serve):
    script = "import os\ndef init(): pass\ndef run(raw_data): return os.environ['HOOKS']"
    hooks = {
        "code/entrypoint.d/20-second.sh": 'export HOOKS="$HOOKS second"',
        "code/entrypoint.d/10-first.sh": 'export HOOKS="first"',
    }
    server = serve(script, files=hooks)

    answer = server.wait_until_ready().score()

    assert answer.json() == "first second"


def test_a_hook_whose_name_is_wrong_is_said_to_be_left_out(serve):
    server = serve(ECHO, files={"code/entrypoint.d/10-first": "exit 1"}).wait_until_ready()

    assert "10-first is left out: its name does not end in .sh" in server.log()


def test_the_server_finishes_the_request_in_flight_when_it_is_told_to_stop(serve):
    script = (
        "import os, time\ndef init(): pass\n"
        "def run(raw_data):\n open(os.environ['OUT'], 'w').close()\n time.sleep(1)\n return 'done'"
    )
    server = serve(script).wait_until_ready()
    answers = []
    client = threading.Thread(target=lambda: answers.append(server.score().json()))
    client.start()
    while not server._log.with_name("out").exists():
        pass

    server.process.send_signal(signal.SIGTERM)
    client.join()

    assert answers == ["done"]
    assert server.exit_code() == 0


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docker").rglob("*.py")), ids=lambda path: path.name
)
def test_what_runs_in_the_image_is_python_3_6(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 6))

    assert not [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
