import os
import signal
import threading
import time

import pytest
import requests

from serving import EVALUATE, running, wait_for_log, wait_until, write_files

SLOW = """
import os, time

def init():
    pass

def run(raw_data):
    open(os.environ["OUT"], "w").close()
    time.sleep(float(raw_data))
    return "done"
"""


@pytest.fixture
def in_flight(tmp_path):
    """Start a server with a request on its way that takes so many seconds."""
    with running(tmp_path, SLOW) as server:

        def begin(seconds):
            server.wait_until_ready()
            answers = []
            client = threading.Thread(target=lambda: answers.append(server.score(seconds)))
            client.start()
            wait_until((tmp_path / "out").exists, server.log)
            return server, client, answers

        yield begin


def test_sigterm_finishes_the_request_in_flight_and_takes_no_other(in_flight):
    server, client, answers = in_flight("1.5")

    server.process.send_signal(signal.SIGTERM)
    wait_for_log(server, "Handling signal: term")
    with pytest.raises(requests.RequestException):
        requests.get(server.url, timeout=0.5)
    client.join()

    assert answers[0].json() == "done"
    assert server.exit_code() == 0


def test_sigint_ends_the_server_at_once_and_the_client_gets_an_error(in_flight):
    server, client, answers = in_flight("60")
    began = time.monotonic()

    server.process.send_signal(signal.SIGINT)
    client.join()

    assert server.exit_code() == 0
    assert time.monotonic() - began < 10
    assert (answers[0].status_code, list(answers[0].json())) == (500, ["message"])


def test_a_reload_picks_up_the_script_the_newest_model_and_the_settings(tmp_path):
    script = EVALUATE + "\nname = '{}'\n"
    models = "azureml-models/digits"
    with running(tmp_path, script.format("old"), files={f"{models}/9/model": ""}) as server:
        server.wait_until_ready()
        seen = "[name, os.environ['AZUREML_MODEL_DIR'][-2:]]"
        before = server.score(seen).json()
        write_files(
            tmp_path / "azureml-app",
            {
                "code/score.py": script.format("new"),
                f"{models}/10/model": "",
                "config.json": '{"SERVICE_NAME": "renamed"}',
            },
        )

        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "ready for serving traffic", count=2)
        wait_for_log(server, "Worker exiting")

        assert (before, server.score(seen).json()) == (["old", "/9"], ["new", "10"])
        document = requests.get(f"{server.url}/swagger.json", timeout=20).json()
        assert document["info"]["title"] == "renamed"


def test_a_reload_takes_an_edit_that_keeps_size_and_time(tmp_path):
    script = EVALUATE + "\nname = '{}'\n"
    path = tmp_path / "azureml-app" / "code" / "score.py"
    with running(tmp_path, script.format("old")) as server:
        before = server.wait_until_ready().score("name").json()
        time = path.stat().st_mtime_ns
        path.write_text(script.format("new"))
        os.utime(path, ns=(time, time))

        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "ready for serving traffic", count=2)
        wait_for_log(server, "Worker exiting")

        assert (before, server.score("name").json()) == ("old", "new")


def test_requests_are_answered_during_a_reload(tmp_path):
    script = EVALUATE.replace("pass", "__import__('time').sleep(1)", 1)
    with running(tmp_path, script) as server:
        server.wait_until_ready()

        server.process.send_signal(signal.SIGHUP)
        statuses = []
        while server.log().count("ready for serving traffic") < 2:
            statuses.append(server.score("1").status_code)
            time.sleep(0.05)

        assert set(statuses) == {200}


def test_a_port_that_is_taken_ends_the_server_with_1_and_is_named(tmp_path, port, serve):
    serve(EVALUATE).wait_until_ready()
    with running(tmp_path / "second", EVALUATE, SCOREDOCK_BIND=f"127.0.0.1:{port}") as second:
        status = second.exit_code()

        assert status == 1
        assert f"Connection in use: ('127.0.0.1', {port})" in second.log()


@pytest.mark.parametrize("variables", [{}, {"WORKER_PRELOAD": "true"}, {"WORKER_COUNT": "2"}])
def test_an_init_that_fails_ends_the_server_with_3(tmp_path, variables):
    script = "def init(): raise RuntimeError('no model')\ndef run(raw_data): pass"
    with running(tmp_path, script, **variables) as server:
        status = server.exit_code()

        assert status == 3
        assert "RuntimeError: no model" in server.log()
