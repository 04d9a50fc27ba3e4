import subprocess
import sys
from pathlib import Path

import pytest

from scoredock import virtualenv
from scoredock.errors import EngineError, LockError
from scoredock.paths import CONTEXT

from .builders import resolved

PREFIX = Path("/state/environments/0123")


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("version", ["{}.{}".format(*sys.version_info), ""])
def test_the_interpreter_of_the_running_version_is_the_one_below_the_virtual_environment(
    monkeypatch, tmp_path, version
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    interpreter = virtualenv.find_interpreter(version)

    code = "import sys; print(*sys.version_info[:2], sys.prefix == sys.base_prefix)"
    answer = subprocess.check_output([interpreter, "-c", code], text=True)
    assert answer == "{} {} True\n".format(*sys.version_info)


def test_an_interpreter_of_another_version_is_taken_from_path(monkeypatch, tmp_path):
    (tmp_path / "python3.99").write_text("#!/bin/sh\n")
    (tmp_path / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert virtualenv.find_interpreter("3.99") == str(tmp_path / "python3.99")


def test_the_newest_interpreter_of_pyenv_is_taken_where_none_on_path_runs(monkeypatch, tmp_path):
    for version in ("3.99.9", "3.99.10", "3.9.11"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
        (tmp_path / "versions" / version / "bin" / "python").write_text("")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    (tmp_path / "python3.99").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")  # a shim that is not chosen

    assert virtualenv.find_interpreter("3.99") == f"{tmp_path}/versions/3.99.10/bin/python"


def test_a_version_that_this_machine_does_not_have_is_not_found():
    assert virtualenv.find_interpreter("3.98") is None


def test_the_environment_is_made_by_the_command_that_the_dockerfile_runs():
    command = virtualenv.environment_command(
        PREFIX,
        env=resolved(keep=("tests",)),
        interpreter="/usr/bin/python3.8",
        python_version="3.8",
        conda_file=Path("/state/0123.yml"),
        locked=Path("/state/0123.json"),
        ca_file=Path("/etc/ca.pem"),
        pip_config=Path("/etc/pip.conf"),
    )

    assert command == [
        sys.executable,
        str(CONTEXT / "install" / "create_environment.py"),
        "--prefix",
        "/state/environments/0123",
        "--interpreter",
        "/usr/bin/python3.8",
        "--python-version",
        "3.8",
        "--installer",
        "pip",
        "--pip",
        "pip<24",
        "--conda-file",
        "/state/0123.yml",
        "--server",
        str(CONTEXT / "server"),
        "--keep",
        "tests",
        "--locked",
        "/state/0123.json",
        "--ca-file",
        "/etc/ca.pem",
        "--pip-config",
        "/etc/pip.conf",
    ]


def test_secrets_that_are_not_set_are_not_named():
    command = virtualenv.environment_command(
        PREFIX, env=resolved(), interpreter="python3", python_version="", conda_file=Path("c.yml")
    )

    assert command[-1] == str(CONTEXT / "server")
    assert "--ca-file" not in command


def test_an_environment_that_cannot_be_made_leaves_nothing_behind(state):
    env = resolved(installer="none", interpreter="/nonexistent/python")

    with pytest.raises(EngineError, match="the environment could not be made") as caught:
        virtualenv.prepare(env, "name: x\n", report=lambda line: None)

    assert "/nonexistent/python" in caught.value.log[-1]
    assert "--interpreter" in caught.value.command
    assert list((state / "environments").iterdir()) == []


def test_a_lock_is_not_made_from_with_another_python_than_its_own(state, monkeypatch):
    monkeypatch.setenv("PATH", str(state))
    monkeypatch.setenv("PYENV_ROOT", str(state))

    with pytest.raises(LockError, match=r"the lock is for Python 3\.98, which") as caught:
        virtualenv.prepare(
            resolved(python_version="3.98"), "name: x\n", report=lambda line: None, locked="{}"
        )

    assert "install python3.98" in caught.value.hint
    assert list(state.iterdir()) == []
