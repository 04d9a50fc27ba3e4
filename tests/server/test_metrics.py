import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from serving import ECHO, EVALUATE, covers, running, wait_for_log, wait_until, write_files

pytestmark = pytest.mark.needs("prometheus_client")
ON = {"SCOREDOCK_METRICS": "true"}
OWN_METRIC = """
import prometheus_client
seen = prometheus_client.Counter("of_the_script", "What the script counts.")

def init(): pass

def run(raw_data):
    seen.inc()
    return "counted"
"""


def page(server, **settings):
    answer = requests.get(f"{server.url}/metrics", timeout=20, **settings)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (
        200,
        "text/plain",
    )
    return answer.text


def value(server, name):
    """Return the value of a sample by its name and labels, None where there is none."""
    found = re.search(rf"(?m)^{re.escape(name)} (\S+)$", page(server))
    return float(found[1]) if found else None


def folder_of(server):
    return Path(server.score("os.environ['PROMETHEUS_MULTIPROC_DIR']").json())


def wait_for_starts(server, count):
    wait_until(lambda: value(server, "scoredock_worker_starts_total") == count)


def is_gone(pid):
    return not Path(f"/proc/{pid}/fd/0").exists()


def worker_pids(server):
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def server(tmp_path):
    with running(tmp_path, EVALUATE, **ON) as server:
        yield server.wait_until_ready()


@covers("SCOREDOCK_METRICS")
def test_requests_are_counted_by_their_route_and_status(server):
    for body in ("1", "2", "1/0"):
        server.score(body)
    requests.get(f"{server.url}/swagger.json", timeout=20)
    requests.get(f"{server.url}/any/text", timeout=20)
    requests.delete(f"{server.url}/score", timeout=20)

    counted = re.findall(r"(?m)^scoredock_requests_total{(.*)} (.*)$", page(server))
    assert sorted(counted) == [
        ('path="/score",status="200"', "2.0"),
        ('path="/score",status="405"', "1.0"),
        ('path="/score",status="500"', "1.0"),
        ('path="/swagger.json",status="200"', "1.0"),
        ('path="other",status="404"', "1.0"),
    ]


def test_health_checks_and_the_page_itself_are_not_counted(server):
    for _ in range(3):
        requests.get(server.url, timeout=20)
        page(server)

    assert "scoredock_requests_total{" not in page(server)
    assert "/metrics" not in server.log()


def test_the_whole_request_and_run_are_timed(server):
    server.score("time.sleep(0.3)")
    server.score("1/0")

    assert value(server, "scoredock_request_duration_seconds_count") == 2
    assert value(server, "scoredock_run_duration_seconds_count") == 2
    assert value(server, 'scoredock_run_duration_seconds_bucket{le="0.25"}') == 1
    run = value(server, "scoredock_run_duration_seconds_sum")
    assert 0.3 <= run <= value(server, "scoredock_request_duration_seconds_sum")


def test_what_is_not_scored_has_no_time_of_run(server):
    server.score("1", headers={"x-request-id": "x" * 101})

    assert value(server, 'scoredock_requests_total{path="/score",status="431"}') == 1
    assert value(server, "scoredock_run_duration_seconds_count") == 0


def test_the_page_tells_of_all_workers_and_of_what_is_in_flight(tmp_path):
    with running(tmp_path, EVALUATE, WORKER_COUNT="2", **ON) as server:
        wait_for_log(server.wait_until_ready(), "ready for serving traffic", count=2)
        # One worker is busy, so that it is the other one that tells.
        with ThreadPoolExecutor() as pool:
            busy = pool.submit(server.score, "time.sleep(3)")
            time.sleep(0.3)  # what comes at the same time may be behind it
            wait_until(lambda: value(server, "scoredock_requests_in_flight") == 1)
            busy.result()

        assert value(server, "scoredock_requests_in_flight") == 0
        assert value(server, 'scoredock_requests_total{path="/score",status="200"}') == 1
        assert value(server, "scoredock_worker_starts_total") == 2


@pytest.mark.parametrize("preload", ["false", "true"])
def test_a_killed_worker_loses_no_count_and_leaves_no_file(tmp_path, preload):
    with running(tmp_path, EVALUATE, WORKER_PRELOAD=preload, **ON) as server:
        server.wait_until_ready()
        scored = 'scoredock_requests_total{path="/score",status="200"}'
        sizes = []
        for count in (1, 2, 3):
            sizes.append(len(list(folder_of(server).iterdir())))
            server.score("1")
            # Killed in the middle of a request, which would count as in flight for ever.
            with pytest.raises(requests.RequestException):
                server.score("os.kill(os.getpid(), signal.SIGKILL)")
            wait_for_starts(server, count + 1)

            assert value(server, scored) == 2 * count
            assert value(server, "scoredock_run_duration_seconds_count") == 2 * count
            assert value(server, "scoredock_requests_in_flight") == 0

        assert len(set(sizes)) == 1


def test_a_worker_that_is_gone_is_not_in_flight_while_none_has_taken_its_place(tmp_path):
    with running(tmp_path, EVALUATE, WORKER_COUNT="2", **ON) as server:
        wait_for_log(server.wait_until_ready(), "ready for serving traffic", count=2)
        with ThreadPoolExecutor() as pool:
            pid = int(server.score("os.getpid()").text)
            busy = pool.submit(server.score, "(os.getpid(), time.sleep(30))")
            time.sleep(0.3)  # what comes at the same time may be behind it
            wait_until(lambda: value(server, "scoredock_requests_in_flight") == 1)
            # The main process is stopped, so that it starts no other worker.
            os.kill(server.process.pid, signal.SIGSTOP)
            idle = int(server.score("os.getpid()").text)
            [other] = set(worker_pids(server)) - {idle}
            os.kill(other, signal.SIGKILL)
            assert pid in (idle, other)
            with pytest.raises(requests.RequestException):
                busy.result()

            # A process that dies closes its connection a moment before it gives up its lock.
            wait_until(lambda: value(server, "scoredock_requests_in_flight") == 0)
            os.kill(server.process.pid, signal.SIGCONT)


def test_a_reload_loses_no_count(server):
    server.score("1")
    server.process.send_signal(signal.SIGHUP)
    wait_for_log(server, "ready for serving traffic", count=2)
    wait_until(lambda: len(worker_pids(server)) == 1)
    server.score("1")

    assert value(server, 'scoredock_requests_total{path="/score",status="200"}') == 2
    assert value(server, "scoredock_worker_starts_total") == 2


def test_the_page_says_what_is_served_and_what_memory_it_takes(tmp_path):
    files = {"azureml-models/digits/3/model.bin": "x"}
    names = {"SERVICE_NAME": 'a "name"', "SERVICE_VERSION": "7"}
    with running(tmp_path, EVALUATE, files=files, **names, **ON) as server:
        text = page(server.wait_until_ready())

        [labels] = re.findall(r"(?m)^scoredock_info{(.*)} 1\.0$", text)
        for label in (r'service="a \"name\""', 'version="7"', 'model="digits/3"'):
            assert label in labels
        before = value(server, 'scoredock_resident_memory_bytes{process="workers"}')
        server.score("setattr(builtins, 'kept', b'x' * 100_000_000)")
        after = value(server, 'scoredock_resident_memory_bytes{process="workers"}')
        assert 90e6 < after - before < 200e6


def test_what_the_script_counts_itself_is_on_the_page_and_survives_its_worker(tmp_path):
    with running(tmp_path, OWN_METRIC, **ON) as server:
        server.wait_until_ready()
        for starts in (2, 3):
            server.score()
            os.kill(worker_pids(server)[0], signal.SIGKILL)
            wait_for_starts(server, starts)

        assert value(server, "of_the_script_total") == 2


def test_the_folder_is_removed_at_the_end_and_one_that_was_left_at_the_next_start(tmp_path):
    folders = []
    for number in (signal.SIGKILL, signal.SIGTERM):
        with running(tmp_path, EVALUATE, **ON) as server:
            server.wait_until_ready()
            folders.append(folder_of(server))
            workers = worker_pids(server)
            assert [folder.exists() for folder in folders] == [False] * (len(folders) - 1) + [True]
            server.process.send_signal(number)
            server.process.wait()
            if number == signal.SIGKILL:
                [pid] = workers
                os.kill(pid, signal.SIGKILL)
                wait_until(partial(is_gone, pid))

    assert [folder.exists() for folder in folders] == [False, False]


def test_the_page_needs_the_key_where_the_service_has_one(tmp_path):
    write_files(tmp_path, {"keys": "key-0123456789abcdef"})
    with running(tmp_path, ECHO, SCOREDOCK_KEY_FILE=str(tmp_path / "keys"), **ON) as server:
        server.wait_until_ready()

        assert requests.get(f"{server.url}/metrics", timeout=20).status_code == 401
        assert page(server, headers={"Authorization": "Bearer key-0123456789abcdef"})


@covers("SCOREDOCK_METRICS")
@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({}, 404),
        ({"SCOREDOCK_COMPATIBILITY": "improved"}, 200),
        ({"SCOREDOCK_COMPATIBILITY": "improved", "SCOREDOCK_METRICS": "false"}, 404),
    ],
)
def test_metrics_are_on_where_all_is_improved(tmp_path, variables, status):
    with running(tmp_path, EVALUATE, **variables) as server:
        server.wait_until_ready()

        assert requests.get(f"{server.url}/metrics", timeout=20).status_code == status
        loaded = server.score("'prometheus_client' in sys.modules").json()
        assert loaded is (status == 200)


def test_without_the_package_one_line_says_why_there_is_no_page(tmp_path):
    # A folder that hides the package: importlib finds no module where a name is bound to None.
    hiding = "import sys\nsys.modules['prometheus_client'] = None\n"
    write_files(tmp_path, {"hide/sitecustomize.py": hiding})
    path = os.pathsep.join([str(tmp_path / "hide"), *server_path()])
    with running(tmp_path, ECHO, PYTHONPATH=path, WORKER_COUNT="2", **ON) as server:
        server.wait_until_ready()

        assert requests.get(f"{server.url}/metrics", timeout=20).status_code == 404
        assert server.log().count("/metrics is 404: the package prometheus-client") == 1


def server_path():
    from interpreter import python_path

    return python_path().values()
