import threading

import pytest
import requests

from dap import DebugClient, score_in_background
from serving import ECHO, EVALUATE, check_script, covers, running, wait_for_log, write_files

pytestmark = pytest.mark.needs("debugpy")

SCRIPT = """\
def init():
    global number
    number = 41
    print("loaded")

def run(raw_data):
    doubled = raw_data * 2
    return doubled
"""


@pytest.fixture
def attach(tmp_path, port):
    """A debugger that breaks at a line of score.py."""
    clients = []

    def at(line):
        client = DebugClient(port)
        clients.append(client)
        client.attach([], tmp_path / "azureml-app" / "code" / "score.py", line)
        return client

    yield at
    for client in clients:
        client.close()


@covers("SCOREDOCK_DEBUG_BIND")
def test_a_debugger_stops_in_run_for_longer_than_any_timeout(tmp_path, port, attach):
    limits = {"WORKER_TIMEOUT": "1", "SCORING_TIMEOUT_MS": "1", "WORKER_COUNT": "2"}
    own = {"SCOREDOCK_DEBUG_BIND": f"127.0.0.1:{port}"}
    with running(tmp_path, SCRIPT, **own, **limits) as server:
        server.wait_until_ready()
        client = attach(8)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.score("ab")))
        asking.start()

        thread, frame = client.stopped()
        value = client.value("doubled", frame)
        asking.join(3)
        stands = asking.is_alive()
        client.request("continue", threadId=thread)
        asking.join(20)

        assert (frame["line"], value, stands) == (8, "'abab'", True)
        assert [answer.json() for answer in answers] == ["abab"]
        assert server.log().count("ready for serving traffic") == 1


@covers("SCOREDOCK_DEBUG_WAIT")
def test_init_waits_for_the_debugger_and_stops_at_a_breakpoint(tmp_path, port, attach):
    own = {"SCOREDOCK_DEBUG_BIND": f"127.0.0.1:{port}", "SCOREDOCK_DEBUG_WAIT": "true"}
    with running(tmp_path, SCRIPT, **own) as server:
        wait_for_log(server, "Waiting for the debugger before the script is loaded")
        client = attach(4)

        thread, frame = client.stopped()
        before = client.value("number", frame), "print - loaded" in server.log()
        client.request("continue", threadId=thread)

        assert (frame["line"], before) == (4, ("41", False))
        assert server.wait_until_ready().score("a").json() == "aa"


def test_a_debugger_can_attach_again_after_a_reload(tmp_path, port, attach):
    with running(tmp_path, SCRIPT, SCOREDOCK_DEBUG_BIND=f"127.0.0.1:{port}") as server:
        server.wait_until_ready()
        attach(8)

        server.process.send_signal(1)
        wait_for_log(server, "A debugger can attach", count=2)
        client = attach(8)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.score("a").json()))
        asking.start()
        thread, frame = client.stopped()
        client.request("continue", threadId=thread)
        asking.join(20)

        assert (frame["line"], answers) == (8, ["aa"])


@covers("SCOREDOCK_DEBUGPY")
def test_debugpy_is_looked_for_in_the_folder_that_is_named_after_the_environment(tmp_path, port):
    given = tmp_path / "given"
    given.mkdir()
    (given / "debugpy.py").write_text("raise RuntimeError('the environment has one')")
    (given / "beside.py").write_text("name = 'found'")
    own = {"SCOREDOCK_DEBUG_BIND": f"127.0.0.1:{port}", "SCOREDOCK_DEBUGPY": str(given)}
    with running(tmp_path, EVALUATE, **own) as server:
        answer = server.wait_until_ready().score("[beside.name, debugpy.__file__]").json()

        assert answer[0] == "found"
        assert "given" not in answer[1]


@covers("SCOREDOCK_DEBUG_BIND")
def test_a_debugpy_that_is_nowhere_ends_the_server_with_3_and_is_named(tmp_path):
    hidden = {"debugpy.py": "raise ImportError('as if it were not installed')"}
    with running(tmp_path, ECHO, files=hidden, SCOREDOCK_DEBUG_BIND="127.0.0.1:5678") as server:
        assert server.exit_code() == 3
        assert "SCOREDOCK_DEBUG_BIND=127.0.0.1:5678: the package debugpy is not" in server.log()


def test_a_check_lets_no_debugger_in(tmp_path, port):
    checked = check_script(tmp_path, ECHO, SCOREDOCK_DEBUG_BIND=f"127.0.0.1:{port}")

    assert checked.returncode == 0, checked.stderr
    assert "can attach" not in checked.stderr


def test_an_edited_script_is_debugged_by_who_attaches_anew(tmp_path, port, attach):
    own = {"SCOREDOCK_DEBUG_BIND": f"127.0.0.1:{port}", "SCOREDOCK_WATCH": "true"}
    with running(tmp_path, SCRIPT, **own) as server:
        server.wait_until_ready()
        attach(8)
        edited = SCRIPT.replace("    doubled", "    # a line more\n    doubled")
        write_files(tmp_path / "azureml-app", {"code/score.py": edited})
        wait_for_log(server, "A debugger can attach", count=2)

        client = attach(9)
        asking, answers = score_in_background(f"{server.url}/score")
        thread, frame = client.stopped()
        client.request("continue", threadId=thread)
        asking.join(20)

        assert (frame["line"], answers[0].json()) == (9, "11")


def test_health_is_told_at_a_breakpoint(tmp_path, port, attach):
    with running(tmp_path, SCRIPT, SCOREDOCK_DEBUG_BIND=f"127.0.0.1:{port}") as server:
        server.wait_until_ready()
        client = attach(8)
        asking, _ = score_in_background(f"{server.url}/score")
        thread, _ = client.stopped()

        health = requests.get(server.url, timeout=10)
        client.request("continue", threadId=thread)
        asking.join(20)

        assert health.text == "Healthy"
