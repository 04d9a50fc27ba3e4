import time

import pytest
import requests

from serving import covers, running, wait_for_log

LIMITED = """
import os, time

def init():
    pass

def run(raw_data):
    if raw_data == "swallow":
        try:
            time.sleep(60)
        except Exception as error:
            return type(error).__name__
    if raw_data == "own":
        raise TimeoutError("the database is slow")
    time.sleep(float(raw_data))
    return os.getpid()
"""


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with running(tmp_path_factory.mktemp("limited"), LIMITED, SCORING_TIMEOUT_MS="400") as server:
        yield server.wait_until_ready()


@covers("SCORING_TIMEOUT_MS")
def test_a_run_over_the_time_limit_is_stopped_and_the_worker_goes_on(limited):
    before = limited.score("0").json()
    began = time.monotonic()

    answer = limited.score("60", headers={"x-request-id": "slow one"})

    assert time.monotonic() - began < 10
    assert (answer.status_code, answer.json()) == (500, {"message": "Scoring timeout after 400 ms"})
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert limited.score("0").json() == before
    wait_for_log(limited, r"run\(\) was stopped \[slow one\]\nTraceback")


def test_a_timeout_error_of_the_scripts_own_is_an_error_of_the_script(limited):
    answer = limited.score("own")

    assert answer.status_code == 500
    assert "scoring script" in answer.json()["message"]
    wait_for_log(limited, "TimeoutError: the database is slow")


def test_a_script_that_catches_the_error_of_the_time_limit_answers_itself(limited):
    answer = limited.score("swallow")

    assert answer.json() == "ScoringTimeoutError"


def test_the_time_of_one_request_is_not_that_of_the_next(limited):
    answers = [limited.score("0.25").status_code for _ in range(3)]

    assert answers == [200, 200, 200]


CALLS_BACK = """
import asyncio, time

def init():
    pass

async def run(raw_data):
    loop = asyncio.get_event_loop()
    done = loop.create_future()

    def call_back():
        time.sleep(float(raw_data))
        done.set_result("done")

    loop.call_soon(call_back)
    return await done
"""


@covers("SCORING_TIMEOUT_MS")
def test_a_time_limit_that_an_event_loop_swallows_is_raised_again(tmp_path):
    with running(tmp_path, CALLS_BACK, SCORING_TIMEOUT_MS="200") as server:
        server.wait_until_ready()

        assert server.score("0").json() == "done"
        stopped = server.score("0.6")

    assert (stopped.status_code, stopped.json()["message"]) == (
        500,
        "Scoring timeout after 200 ms",
    )


STUBBORN = """
import os, time

def init():
    pass

def run(raw_data):
    while raw_data:
        try:
            time.sleep(60)
        except BaseException:
            if raw_data == "die":
                raise
    return os.getpid()
"""


@covers("WORKER_TIMEOUT")
def test_a_worker_over_its_time_is_replaced_and_its_client_gets_an_error(tmp_path):
    with running(tmp_path, STUBBORN, WORKER_TIMEOUT="1", WORKER_COUNT="2") as server:
        server.wait_until_ready()

        answer = server.score("die")

        assert answer.status_code == 500
        assert "scoring script" in answer.json()["message"]
        wait_for_log(server, "ready for serving traffic", count=3)
        assert server.score("").status_code == 200

        with pytest.raises(requests.ConnectionError):
            server.score("a run() that lets nothing end it")

        wait_for_log(server, "ready for serving traffic", count=4)
        assert server.score("").status_code == 200


@covers("WORKER_TIMEOUT")
def test_init_may_take_longer_than_a_request(tmp_path):
    script = "import time\ndef init(): time.sleep(2.5)\ndef run(raw_data): return 'loaded'"
    with running(tmp_path, script, WORKER_TIMEOUT="1") as server:
        answer = server.wait_until_ready().score()

        assert answer.json() == "loaded"
        assert server.log().count("Booting worker") == 1
