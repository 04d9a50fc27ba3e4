import os
import sys
from urllib.request import urlopen

import psutil
import pytest

from scoredock import process
from scoredock.errors import EngineError

from .builders import CODE


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path / "state"))
    yield tmp_path / "state"
    process.stop(grace=1)


@pytest.fixture
def start(state, tmp_path, digits, port):
    """Start a shell command where the entry point looks for Python."""

    def run(command, *, bind="127.0.0.1", timeout=10):
        program = tmp_path / "bin" / "python"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
        return process.start(
            {
                "PATH": f"{program.parent}:{os.environ['PATH']}",
                "AML_APP_ROOT": str(state / "azureml-app"),
            },
            code=CODE,
            source=digits,
            models=digits / "models",
            bind=bind,
            port=port,
            timeout=timeout,
        )

    return run


def server(bind, port):
    return f"exec {sys.executable} -m http.server --bind {bind} {port}"


# A server on another address than 127.0.0.1 does not answer there.
@pytest.mark.parametrize(
    ("bind", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")],
)
def test_start_returns_once_the_server_answers_where_it_listens(start, port, bind, asked):
    started = start(server(bind, port), bind=bind)

    with urlopen(f"http://{asked}:{port}/") as answer:
        assert answer.status == 200
    assert process.running() == started
    assert (started.bind, started.port) == (bind, port)


def test_the_code_and_the_models_are_where_the_contract_has_them(start, state, digits, port):
    start(server("127.0.0.1", port))

    app_root = state / "azureml-app"
    assert (app_root / "digits").resolve() == digits
    assert (app_root / "azureml-models").resolve() == digits / "models"


def test_a_second_start_takes_the_place_of_the_first(start, port):
    first = start(server("127.0.0.1", port))

    second = start(server("127.0.0.1", port))

    assert not psutil.pid_exists(first.pid)
    assert process.running() == second


def test_a_server_that_ends_is_reported_with_its_status_and_last_words(start):
    with pytest.raises(EngineError, match="ended with exit code 3") as caught:
        start("echo ModuleNotFoundError: no module torch >&2; exit 3")

    assert caught.value.log == ("ModuleNotFoundError: no module torch",)
    assert process.running() is None


def test_a_server_that_never_answers_is_ended(start, state):
    with pytest.raises(EngineError, match="does not answer after 1 s"):
        start(f"echo $$ >{state}/pid; exec sleep 300", timeout=1)

    assert not psutil.pid_exists(int((state / "pid").read_text()))
    assert process.running() is None
