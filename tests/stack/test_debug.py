"""A debugger in score.py, and an edited score.py that answers, in both runtimes."""

import re
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests

from dap import DebugClient, attach, line_of, read_configuration, score_in_background
from scoredock.port import free_port
from serving import wait_until
from support import SCOREDOCK

pytestmark = pytest.mark.docker

RUNTIMES = ["docker", "process"]


@pytest.fixture
def workspace(tmp_path):
    """The folder that the commands run in, as a person's editor has it open."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def debug_port():
    return free_port()


@pytest.fixture
def up(environment, scoredock, workspace, plain_spec, source, debug_port):
    """Start `scoredock up` in the workspace, with its output in a file; it goes on running."""
    log = workspace / "up.log"

    @contextmanager
    def start(runtime, *options):
        where = ["--spec", plain_spec, "--source", source, "--runtime", runtime]
        command = [SCOREDOCK, "up", *where, "--debug-port", debug_port, *options]
        with log.open("w") as output:
            process = subprocess.Popen(
                list(map(str, command)), env=environment, cwd=workspace,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield process, log.read_text
        finally:
            process.kill()
            process.wait()

    return start


@pytest.fixture
def url(port):
    return f"http://127.0.0.1:{port}/score"


def wait_for_output(process, said, pattern):
    wait_until(lambda: re.search(pattern, said()) or process.poll() is not None, said, within=300)
    assert re.search(pattern, said()), said()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_debugger_stops_at_a_line_of_the_local_score_py(
    up, url, workspace, source, runtime, container
):
    script = source / "score.py"
    script.write_text(script.read_text().replace("    return", "    number = 6 * 7\n    return"))
    with up(runtime, "--debug") as (process, said):
        assert process.wait(timeout=300) == 0, said()
    assert re.search("==> attach a debugger to 127.0.0.1:.*'scoredock: plain' of .*json", said())
    client = attach(read_configuration(workspace), script, "return [greeting")
    asking, answers = score_in_background(url)

    thread, frame = client.stopped()
    place = frame["source"]["path"], frame["line"]
    values = client.value("number", frame), client.value("greeting", frame)
    client.request("continue", threadId=thread)
    asking.join(60)

    assert place == (str(script), line_of(script, "return [greeting"))
    assert values == ("42", "'hello'")
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, ["hello", 1])]
    client.close()
    if runtime == "docker":
        published = container().attrs["HostConfig"]["PortBindings"]
        assert {each["HostIp"] for ports in published.values() for each in ports} == {"127.0.0.1"}


def test_a_container_that_stands_at_a_breakpoint_stays_healthy_and_is_not_replaced(
    up, url, workspace, source, container
):
    with up("docker", "--debug", "--worker-timeout", "1") as (process, said):
        assert process.wait(timeout=300) == 0, said()
    client = attach(read_configuration(workspace), source / "score.py", "return [greeting")
    asking, answers = score_in_background(url)
    thread, _ = client.stopped()

    def probes():
        return container().attrs["State"]["Health"]["Log"]

    before = probes()[-1]["Start"]
    # The first of them may have been on its way.
    wait_until(lambda: sum(probe["Start"] > before for probe in probes()) >= 2, within=60)
    failed = [probe for probe in probes() if probe["Start"] > before and probe["ExitCode"]]
    status = container().attrs["State"]["Health"]["Status"]
    client.request("continue", threadId=thread)
    asking.join(60)

    assert (status, failed) == ("healthy", [])
    assert [answer.json() for answer in answers] == [["hello", 1]]
    client.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_with_debug_wait_a_breakpoint_in_init_is_hit(up, url, workspace, source, runtime):
    script = source / "score.py"
    with up(runtime, "--debug", "--debug-wait") as (process, said):
        wait_for_output(process, said, "once it waits for that, attach a debugger")
        wait_for_output(process, said, "waiting for a debugger at 127.0.0.1")
        client = DebugClient(read_configuration(workspace)["connect"]["port"], within=120)
        mappings = read_configuration(workspace)["pathMappings"]
        client.attach(mappings, script, line_of(script, "greeting = "))
        thread, frame = client.stopped()
        name = frame["name"]
        client.request("continue", threadId=thread)

        assert process.wait(timeout=60) == 0, said()
    assert name == "init"
    assert requests.post(url, "1", timeout=20).json() == ["hello", 1]
    client.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_edited_script_answers_and_a_broken_one_does_not(up, url, source, runtime, scoredock):
    script = source / "score.py"
    text = script.read_text()

    def answer():
        return requests.post(url, "1", timeout=20).json()[0]

    with up(runtime, "--watch") as (process, said):
        wait_for_output(process, said, "http://localhost")
        wait_for_output(process, said, "ready for serving traffic")  # the log is shown
        before = answer()

        began = time.monotonic()
        script.write_text(text.replace("[greeting,", "['new',"))
        wait_until(lambda: answer() == "new", said)
        print(f"{runtime}: the new answer came after {time.monotonic() - began:.2f} s")

        script.write_text(text.replace("import json", "import json ("))
        wait_for_output(process, said, "It cannot be loaded: the server ended with exit code 3")
        during = answer()
        script.write_text(text.replace("[greeting,", "['mended',"))
        wait_until(lambda: answer() == "mended", said)

        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=60)

    assert (before, during, status) == ("hello", "new", 130)
    assert 'score.py", line 1' in said()
    assert scoredock("down").stdout == "nothing was running\n"


def test_the_overlays_work_with_plain_compose(
    environment, url, tmp_path, compose, source, debug_port
):
    folder = tmp_path / "debugpy"
    folder.mkdir()
    (folder / "debugpy.py").write_text(
        "def configure(**settings): pass\n"
        "def listen(address): print('it is here:', address, flush=True)\n"
    )
    variables = {
        "SOURCE_DIR": str(source),
        "SOURCE_NAME": "plain",
        "MODELS_DIR": str(source / "models"),
        "DEBUGPY_DIR": str(folder),
        "DEBUG_PORT": str(debug_port),
        "START_PERIOD": "120s",
    }
    environment.update(variables)
    overlays = ["--file=compose.debug.yaml", "--file=compose.watch.yaml"]
    everything = ["--file=compose.yaml", *overlays]
    started = compose(*everything, "up", "--detach", "--build", "--wait")

    assert started.returncode == 0, started.stderr
    (source / "score.py").write_text("def init(): pass\ndef run(raw_data): return 'edited'\n")
    wait_until(lambda: requests.post(url, "1", timeout=20).json() == "edited")
    assert "it is here: ('0.0.0.0', 5678)" in compose("logs", "scoring").stdout
