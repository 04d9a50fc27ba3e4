"""SCOREDOCK_THREADS: how many requests a worker, and run(), has at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from serving import covers, running

COUNT = 3
# Answers once as many requests as there are threads are in run() at once.
MEETING = f"""
import threading
thread_safe = True
barrier = threading.Barrier({COUNT}, timeout=20)

def init(): pass

def run(raw_data):
    barrier.wait()
    return threading.current_thread() is threading.main_thread()
"""
# Answers with how many requests were in run() at once.
COUNTING = """
import threading, time
inside = []

def init(): pass

def run(raw_data):
    inside.append(raw_data)
    time.sleep(0.05)
    most = len(inside)
    inside.remove(raw_data)
    return most
"""


def ask_at_once(server, count):
    with ThreadPoolExecutor(count) as pool:
        return [answer.json() for answer in pool.map(server.score, map(str, range(count)))]


@covers("SCOREDOCK_THREADS")
def test_a_script_that_says_so_has_as_many_requests_as_there_are_threads(tmp_path):
    with running(tmp_path, MEETING, SCOREDOCK_THREADS=str(COUNT)) as server:
        server.wait_until_ready()

        assert ask_at_once(server, COUNT) == [False] * COUNT


@pytest.mark.parametrize("said", ["", "thread_safe = False", "thread_safe = 1"])
def test_any_other_script_has_one_request_at_a_time(tmp_path, said):
    with running(tmp_path, f"{said}\n{COUNTING}", SCOREDOCK_THREADS="4") as server:
        server.wait_until_ready()

        assert ask_at_once(server, 12) == [1] * 12


def test_what_fails_in_one_thread_lets_the_next_request_in(tmp_path):
    script = "def init(): pass\ndef run(raw_data): return 1 / int(raw_data)\n"
    with running(tmp_path, script, SCOREDOCK_THREADS="2") as server:
        server.wait_until_ready()
        statuses = [server.score(text).status_code for text in ("0", "1", "0", "1")]

        assert statuses == [500, 200, 500, 200]


def test_one_thread_is_our_own_worker(tmp_path):
    script = MEETING.replace("barrier.wait()", "")
    with running(tmp_path, script, SCOREDOCK_THREADS="1") as server:
        server.wait_until_ready()

        assert ask_at_once(server, 1) == [True]
        assert "Using worker: scoredock_server.worker.ScoringWorker" in server.log()
