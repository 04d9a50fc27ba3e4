import os
import socket
import tempfile
from pathlib import Path

import pytest

from scoredock.engine import connect, require_command
from scoredock.errors import EngineError

NOBODY = 65534


@pytest.fixture
def closed_socket(monkeypatch):
    """A socket that only root may open, in a folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        Path(folder).chmod(0o755)
        path = Path(folder) / "docker.sock"
        server.bind(str(path))
        server.listen()
        path.chmod(0)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield path


def as_nobody(function) -> str:
    """Call a function in a child that has no right of root, and return its text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        os.write(write, function().encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        return answer.read()


def connection_error() -> str:
    try:
        connect()
    except EngineError as error:
        return f"{error}\n{error.hint}"
    return "connected"


def test_an_engine_that_refuses_the_user_says_how_to_be_let_in(closed_socket):
    message = as_nobody(connection_error)

    assert message.startswith(f"the Docker engine at unix://{closed_socket} refuses this user")
    assert "usermod -aG docker" in message


def test_an_engine_that_does_not_answer_says_how_to_go_on(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    message = connection_error()

    assert message.startswith("no Docker engine answers at unix:///nowhere/docker.sock\n")
    assert "--runtime process" in message


def test_an_address_that_is_none_is_an_engine_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "nonsense://?")

    assert connection_error().startswith("no Docker engine answers at nonsense://?")


def test_a_missing_docker_command_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EngineError, match="no docker command on PATH") as caught:
        require_command()

    assert "install the Docker CLI" in caught.value.hint
