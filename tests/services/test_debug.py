"""A debugger in a named service, and what updates make of it."""

import socket
import subprocess

import pytest
import requests

from dap import attach, line_of, read_configuration, score_in_background
from scoredock.port import free_port
from serving import wait_until
from support import SCOREDOCK

SCRIPT = "def init(): pass\ndef run(raw_data):\n    text = TEXT\n    return text\n"


@pytest.fixture
def service(environment, runtime, tmp_path, plain_spec):
    """`scoredock service` in a folder as an editor has it open; `write` changes the script."""
    folder = tmp_path / "open"
    script = folder / "code" / "score.py"
    script.parent.mkdir(parents=True)
    name = environment["COMPOSE_PROJECT_NAME"]
    workspace = {"SCOREDOCK_WORKSPACE": str(tmp_path / "workspace")}

    def run(*arguments):
        return subprocess.run(
            [SCOREDOCK, *map(str, arguments)], env=environment | workspace, cwd=folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def write(text, script_text=SCRIPT):
        script.write_text(script_text.replace("TEXT", repr(text)))

    def change(verb, *options):
        return run("service", verb, name, "--source", folder / "code", *options)

    run("workspace", "init", tmp_path / "workspace")
    write("one")
    change.name, change.write, change.script, change.folder = name, write, script, folder
    change.run, change.logs = run, lambda: run("service", "logs", name).stdout
    change.deploying = ["--environment", plain_spec, "--no-models", "--runtime", runtime]
    change.deploying += ["--port", environment["PORT"]]
    yield change
    run("service", "delete", name)


def stops_with(service, url):
    """Attach as the launch.json says, and return where a request stops, with what `text` is."""
    client = attach(read_configuration(service.folder), service.script, "return text")
    asking, answers = score_in_background(url)
    thread, frame = client.stopped()
    value = client.value("text", frame)
    client.request("continue", threadId=thread)
    asking.join(60)
    client.close()
    assert [answer.status_code for answer in answers] == [200]
    return frame["source"]["path"], frame["line"], value


def test_a_debugger_follows_the_service_through_its_updates(service, port):
    url = f"http://127.0.0.1:{port}/score"
    debug_port = free_port()
    deployed = service("deploy", *service.deploying, "--debug", "--debug-port", debug_port)
    assert deployed.returncode == 0, deployed.stderr
    place = str(service.script), line_of(service.script, "return text")
    first = stops_with(service, url)

    service.write("two")
    updated = service("update")
    assert updated.returncode == 0, updated.stderr
    second = stops_with(service, url)

    service.write("", "def init(): raise KeyError('broken')\ndef run(raw_data): pass\n")
    refused = service("update")
    service.write("two")
    third = stops_with(service, url)

    ended = service("update", "--no-debug")
    with socket.socket() as probe:
        closed = probe.connect_ex(("127.0.0.1", debug_port)) != 0

    assert f"==> attach a debugger to 127.0.0.1:{debug_port}" in deployed.stderr
    assert first == (*place, "'one'")
    assert second == third == (*place, "'two'")
    assert refused.returncode == 4
    assert "KeyError: 'broken'" in refused.stderr
    assert (ended.returncode, closed) == (0, True), ended.stderr
    assert requests.post(url, "1", timeout=20).json() == "two"


def test_a_reload_lets_the_debugger_in_again(service, port):
    url = f"http://127.0.0.1:{port}/score"
    options = ["--debug", "--debug-port", free_port()]
    deployed = service("deploy", *service.deploying, *options)
    assert deployed.returncode == 0, deployed.stderr
    service.write("reloaded")
    reloaded = service.run("service", "reload", service.name)
    assert reloaded.returncode == 0, reloaded.stderr
    wait_until(lambda: service.logs().count("A debugger can attach") == 2, service.logs)

    assert stops_with(service, url)[2] == "'reloaded'"
