import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from serving import EVALUATE, covers, running, wait_for_log, wait_until

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

        answer = server.score("a run() that lets nothing end it")

        assert answer.status_code == 500
        assert "scoring script" in answer.json()["message"]
        wait_for_log(server, "ready for serving traffic", count=4)
        assert server.score("").status_code == 200


@covers("WORKER_TIMEOUT")
def test_init_may_take_longer_than_a_request(tmp_path):
    script = "import time\ndef init(): time.sleep(2.5)\ndef run(raw_data): return 'loaded'"
    with running(tmp_path, script, WORKER_TIMEOUT="1") as server:
        answer = server.wait_until_ready().score()

        assert answer.json() == "loaded"
        assert server.log().count("Booting worker") == 1


BLOCKS = """
import ctypes, os, time

library = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)

def block(seconds):
    # A lock that somebody has: no signal and no error of Python's ends that.
    until = (ctypes.c_long * 2)(int(time.time() + seconds), 0)
    library.pthread_mutex_trylock(mutex)
    library.pthread_mutex_timedlock(mutex, until)

def init():
    pass

def run(raw_data):
    if float(raw_data):
        open(os.environ["OUT"], "w").close()
        block(float(raw_data))
    return os.getpid()
"""


@covers("SCORING_TIMEOUT_MS", "WORKER_TIMEOUT")
def test_what_waits_behind_a_run_that_does_not_end_is_told_to_come_again(tmp_path):
    with (
        running(tmp_path, BLOCKS, SCORING_TIMEOUT_MS="300") as server,
        ThreadPoolExecutor() as pool,
    ):
        server.wait_until_ready()
        stuck = pool.submit(server.score, "3")
        wait_until((tmp_path / "out").exists, server.log)
        waiting = [pool.submit(server.score, "0") for _ in range(4)]

        assert stuck.result().json() == {"message": "Scoring timeout after 300 ms"}
        for each in [*waiting, pool.submit(server.score, "0")]:
            answer = each.result()
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert answer.json() == {"message": "A run() does not end: try again later."}
        ready = requests.get(f"{server.url}/readyz", timeout=20)
        assert (ready.status_code, ready.text) == (503, "a run() does not end")
        assert requests.get(f"{server.url}/livez", timeout=20).text == "ok"
        # Once it has ended, all is well.
        wait_until(lambda: server.score("0").status_code == 200, server.log)


@covers("SCORING_TIMEOUT_MS")
def test_a_worker_whose_run_does_not_end_leaves_requests_to_the_others(tmp_path):
    variables = {"SCORING_TIMEOUT_MS": "200", "WORKER_COUNT": "2"}
    with running(tmp_path, BLOCKS, **variables) as server, ThreadPoolExecutor() as pool:
        server.wait_until_ready()
        wait_for_log(server, "ready for serving traffic", count=2)
        stuck = pool.submit(server.score, "8")
        wait_until((tmp_path / "out").exists, server.log)
        assert stuck.result().status_code == 500

        answers = [server.score("0") for _ in range(20)]

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json() for answer in answers}) == 1


@covers("WORKER_TIMEOUT")
def test_whoever_waits_for_a_worker_that_is_replaced_is_told_to_come_again(tmp_path):
    with running(tmp_path, BLOCKS, WORKER_TIMEOUT="1") as server, ThreadPoolExecutor() as pool:
        server.wait_until_ready()
        stuck = pool.submit(server.score, "60")
        wait_until((tmp_path / "out").exists, server.log)
        waiting = [pool.submit(server.score, "0") for _ in range(4)]

        assert stuck.result().status_code == 500
        assert {each.result().status_code for each in waiting} == {503}
        wait_for_log(server, "run\\(\\) does not end: another worker")
        assert server.score("0").status_code == 200


@covers("WORKER_TIMEOUT")
def test_whoever_waits_for_a_run_that_worker_timeout_ends_is_told_to_come_again(tmp_path):
    script = SLOW_START + EVALUATE
    with running(tmp_path, script, WORKER_TIMEOUT="1") as server, ThreadPoolExecutor() as pool:
        server.wait_until_ready()
        slow = pool.submit(server.score, "begin(60)")
        wait_until((tmp_path / "out").exists, server.log)
        waiting = [pool.submit(server.score, "0") for _ in range(4)]

        assert slow.result().status_code == 500
        assert {each.result().status_code for each in waiting} == {503}


SLOW_START = """
def begin(seconds):
    import os, time
    open(os.environ["OUT"], "w").close()
    time.sleep(seconds)
"""

THREADS = {"GUNICORN_CMD_ARGS": "--worker-class gthread --threads 4"}


@covers("SCORING_TIMEOUT_MS")
@pytest.mark.parametrize("blocks", ["time.sleep(9)", "ctypes.CDLL(None).sleep(9)"])
def test_a_time_limit_holds_under_gthread(tmp_path, blocks):
    variables = {**THREADS, "SCORING_TIMEOUT_MS": "400"}
    with running(tmp_path, EVALUATE, **variables) as server, ThreadPoolExecutor() as pool:
        server.wait_until_ready()
        began = time.monotonic()
        slow = pool.submit(server.score, blocks, headers={"x-request-id": "slow one"})

        assert [server.score("os.getpid()").status_code for _ in range(5)] == [200] * 5
        answer = slow.result()
        assert time.monotonic() - began < 8
        assert answer.json() == {"message": "Scoring timeout after 400 ms"}
        assert answer.headers["x-ms-run-function-failed"] == "True"
        wait_for_log(server, r"run\(\) was stopped \[slow one\]\nTraceback")
        wait_for_log(server, r"is here:\n(?:.*\n)*? +File .*score\.py.*, in run")


def test_what_a_script_finds_under_gthread_is_its_own_request(tmp_path):
    with running(tmp_path, EVALUATE + "import flask\n", **THREADS) as server:
        server.wait_until_ready()
        found = "[flask.request.headers['x-mine'], flask.g.ids.request_id, print('said')]"

        answer = server.score(found, headers={"x-mine": "my own", "x-request-id": "mine"})

        assert answer.json() == ["my own", "mine", None]
        assert server.score("builtins.exit()").status_code == 500
        assert server.score("threading.active_count() < 20").json() is True


@covers("WORKER_TIMEOUT")
def test_a_worker_of_gthread_that_stays_stuck_is_replaced(tmp_path):
    variables = {**THREADS, "SCORING_TIMEOUT_MS": "200", "WORKER_TIMEOUT": "2"}
    with running(tmp_path, EVALUATE, **variables) as server:
        server.wait_until_ready()
        assert server.score("ctypes.CDLL(None).sleep(60)").status_code == 500
        statuses = []

        def is_replaced():
            # An old gunicorn's gthread may reset one that it has not begun to read when it ends.
            with suppress(requests.ConnectionError):
                statuses.append(server.score("1").status_code)
            return server.log().count("ready for serving traffic") > 1

        wait_until(is_replaced, server.log)

        assert set(statuses) == {200}
        wait_for_log(server, "run\\(\\) has not ended for 2 s")
