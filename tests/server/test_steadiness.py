"""What happens to a service that runs for long does not happen to its requests.

STEADY_SECONDS says for how long each is tried, SOAK_SECONDS for how long it is only asked, and
IDLE_CONNECTIONS how many connections rest. bench/steadiness.py measures the same.
"""

import os
import signal
import time

import pytest
from burdens import (
    SCRIPT,
    allow_many_files,
    clients,
    idle_clients,
    lingering_clients,
    memory,
    open_files,
    slow_clients,
    workers,
    wrk,
)

from serving import running, wait_for_log, wait_until

SECONDS = int(os.environ.get("STEADY_SECONDS") or 7)
SOAK_SECONDS = int(os.environ.get("SOAK_SECONDS") or 6)
IDLE = int(os.environ.get("IDLE_CONNECTIONS") or 1000)
# One that is kept waiting by a client that burdens the server waits for its time limits: 30 s.
BLOCKED = 5
READY = "ready for serving traffic"


@pytest.fixture(autouse=True)
def _files():
    allow_many_files()


def test_no_request_fails_while_the_script_is_loaded_anew_every_three_seconds(tmp_path):
    with running(tmp_path, SCRIPT, WORKER_COUNT="2") as server:
        server.wait_until_ready()
        with wrk(server, tmp_path, seconds=SECONDS, connections=64):
            for number in range(1, 1 + max(1, (SECONDS - 1) // 3)):
                began = time.monotonic()
                server.process.send_signal(signal.SIGHUP)
                wait_for_log(server, "it serves from now on", count=number)
                time.sleep(max(0.0, began + 3 - time.monotonic()))


def test_of_a_worker_that_is_killed_only_its_own_requests_fail(tmp_path):
    with running(tmp_path, SCRIPT, WORKER_COUNT="2") as server:
        server.wait_until_ready()
        wait_for_log(server, READY, count=2)
        killed, connections = set(), 0
        with clients(server, count=16) as seen:
            time.sleep(0.5)
            for number in range(max(2, SECONDS // 3)):
                began = time.monotonic()
                victim = workers(server)[number % 2]
                victim.suspend()  # it takes no other while they are counted
                connections += len(victim.net_connections())
                victim.kill()
                killed.add(victim.pid)
                wait_for_log(server, READY, count=3 + number)
                time.sleep(max(0.0, began + 3 - time.monotonic()))

    others = [each for each in seen.failures if each.worker not in killed | {None}]
    assert others == []
    assert len(seen.failures) <= connections
    assert len(seen.seconds) > 100
    assert seen.longest_unready < 1


@pytest.mark.parametrize(
    "burden",
    [lambda server: slow_clients(server, 200), lambda server: lingering_clients(server, 32)],
    ids=["slow", "lingering"],
)
def test_clients_that_take_their_time_keep_nobody_waiting(tmp_path, burden):
    with running(tmp_path, SCRIPT) as server:
        server.wait_until_ready()
        with burden(server), clients(server) as seen:
            time.sleep(SECONDS / 2)

    assert seen.failures == []
    assert len(seen.seconds) > 20
    assert max(seen.seconds) < BLOCKED


def test_connections_that_rest_cost_memory_by_the_kilobyte_and_no_time(tmp_path):
    with running(tmp_path, SCRIPT) as server:
        server.wait_until_ready()
        with clients(server):
            time.sleep(1)
        before, files = memory(server), open_files(server)
        with idle_clients(server, IDLE):
            each = (memory(server) - before) / IDLE
            with clients(server) as seen:
                time.sleep(2)
            assert seen.failures == []
            assert max(seen.seconds) < BLOCKED
            assert open_files(server) >= files + IDLE
        wait_until(lambda: open_files(server) <= files, server.log)

    assert each < 20_000


def test_memory_and_open_files_stay_as_they_are_while_requests_come(tmp_path):
    with running(tmp_path, SCRIPT) as server:
        server.wait_until_ready()
        files = open_files(server)
        with wrk(server, tmp_path, seconds=SOAK_SECONDS, connections=16):
            time.sleep(SOAK_SECONDS / 2)
            before = memory(server)
            time.sleep(SOAK_SECONDS / 2 - 1)
            after = memory(server)
        wait_until(lambda: open_files(server) <= files, server.log)

    assert after - before < 3_000_000
