import random
import time

from registry.processes import (
    NAME,
    Record,
    processes,
    read_all_the_time,
    register_environment,
    start,
    tag,
    write,
)

from scoredock import environments, registry
from scoredock.stored import verify
from scoredock.workspace import init_workspace

WRITERS, TIMES = 32, 8
KILL_EVERY = 0.2


def versions(workspace):
    """Return the token of each version, by its number."""
    return {model.version: model.properties["token"] for model in registry.list_models(workspace)}


def run_and_kill(workspace, model, records):
    """Let every writer do its work, kill one every KILL_EVERY seconds; return how many were."""
    running = {record: start(write, workspace, model, record, TIMES) for record in records}
    killed, next_kill = 0, time.monotonic() + KILL_EVERY
    deadline = time.monotonic() + 600  # for machines that do much else
    while running:
        assert time.monotonic() < deadline, "the writers do not come to an end"
        for record, process in list(running.items()):
            if process.exitcode == 0:
                del running[record]
            elif process.exitcode is not None:  # killed: start anew with what is left to do
                running[record] = start(write, workspace, model, record, TIMES)
        if running and time.monotonic() >= next_kill:
            random.choice(list(running.values())).kill()
            killed, next_kill = killed + 1, next_kill + KILL_EVERY
        time.sleep(0.01)
    return killed


def test_writers_that_are_killed_lose_nothing_and_double_nothing(workspace, model, tmp_path):
    records = [Record(tmp_path / f"writer-{number}") for number in range(WRITERS)]
    reader, stop = Record(tmp_path / "reader"), processes.Event()
    reading = start(read_all_the_time, workspace, reader, stop)

    killed = run_and_kill(workspace, model, records)
    stop.set()
    reading.join(timeout=60)

    assert killed >= 5
    assert [record.failed() for record in records if record.failed()] == []
    there = versions(workspace)
    reported = {token: number for record in records for token, number in record.done().items()}
    tried = {token for record in records for token in record.tried()}
    # Every success that a writer reported is there, as the number that it was told.
    assert len(reported) == WRITERS * TIMES
    assert {there.get(number) for number in reported.values()} == set(reported)
    assert all(there[number] == token for token, number in reported.items())
    # What is there beyond was made by writers that were killed before they could report it.
    unreported = set(there.values()) - set(reported)
    assert len(set(there.values())) == len(there)
    assert unreported <= tried
    assert len(unreported) <= killed
    # Without a gap; whole; and so it was all the time.
    assert sorted(there) == list(range(1, len(there) + 1))
    assert [m.id for m in registry.list_models(workspace) if verify(m)] == []
    [[_, rounds]] = reader.lines()
    assert int(rounds) > 5
    # What the killed have left, the next writer takes away.
    registry.register(workspace, model, name=NAME)
    assert list((workspace.folder / ".staging").iterdir()) == []


def test_tags_that_are_added_all_at_once_are_all_there(workspace, model):
    version = registry.register(workspace, model, name=NAME).version
    keys = [f"key-{number}" for number in range(24)]

    adding = [start(tag, workspace, version, key) for key in keys]
    for process in adding:
        process.join(timeout=60)

    assert [process.exitcode for process in adding] == [0] * len(keys)
    assert sorted(registry.find(workspace, NAME).tags) == sorted(keys)
    assert list((workspace.folder / ".staging").iterdir()) == []


def test_an_environment_that_many_register_at_once_is_one_version(workspace, tmp_path):
    (tmp_path / "conda.yml").write_text("name: e\ndependencies: [python=3.8]\n")

    registering = [
        start(register_environment, workspace, tmp_path / "conda.yml") for _ in range(12)
    ]
    for process in registering:
        process.join(timeout=60)

    assert [process.exitcode for process in registering] == [0] * 12
    assert [each.id for each in environments.list_environments(workspace)] == ["e:1"]
    assert list((workspace.folder / ".staging").iterdir()) == []


def test_writers_on_a_full_disk_are_told_so_and_leave_nothing_half(small_disk, model, tmp_path):
    workspace = init_workspace(small_disk / "workspace")
    records = [Record(tmp_path / f"writer-{number}") for number in range(WRITERS)]

    killed = run_and_kill(workspace, model, records)

    there = versions(workspace)
    refused = [line for record in records for line in record.refused()]
    reported = {token: number for record in records for token, number in record.done().items()}
    assert [record.failed() for record in records if record.failed()] == []
    assert len(reported) + len(refused) == WRITERS * TIMES
    assert {line.split(": ", 1)[1] for line in refused} == {"No space left on device"}
    assert all(there[number] == token for token, number in reported.items())
    assert len(there) - len(reported) <= killed
    assert sorted(there) == list(range(1, len(there) + 1))
    assert len(there) > 10
    assert [m.id for m in registry.list_models(workspace) if verify(m)] == []

    first = registry.find(workspace, NAME, version=1)
    registry.delete(workspace, first)

    assert registry.register(workspace, model, name=NAME).version == len(there) + 1
    assert list((workspace.folder / ".staging").iterdir()) == []
