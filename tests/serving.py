"""Scoring servers that live longer than one test, and the server's command run to its end."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from os import killpg
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from interpreter import server_python, server_variables
from support import ROOT

# A machine that runs several suites at once may take a while to import pandas.
READY_WITHIN = 60

ECHO = "def init(): pass\ndef run(raw_data): return raw_data\n"
# run() returns the value of the expression in the body; every module is there by its name.
EVALUATE = """\
import builtins, importlib

class Modules(dict):
    def __missing__(self, name):
        if name in globals() or hasattr(builtins, name):
            raise KeyError(name)
        return importlib.import_module(name)

def init():
    pass

def run(raw_data):
    return eval(raw_data, globals(), Modules())
"""

Test = TypeVar("Test", bound=Callable[..., None])


def covers(*_settings: str) -> Callable[[Test], Test]:
    """Say which settings a test is about; test_settings.py finds those that have none."""
    return lambda test: test


class Server:
    """A scoring server under gunicorn, started as the container starts it."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.url = ""
        self._log = log

    def log(self) -> str:
        return self._log.read_text()

    def score(self, body: str | bytes = "{}", **settings: Any) -> requests.Response:
        return requests.post(f"{self.url}/score", data=body, timeout=20, **settings)

    def wait_until_ready(self) -> "Server":
        wait_until(
            lambda: self._answers() or self.process.poll() is not None,
            self.log,
            within=READY_WITHIN,
        )
        if self.process.poll() is not None:
            pytest.fail(f"the server has ended with {self.process.poll()}:\n{self.log()}")
        return self

    def exit_code(self) -> int:
        return self.process.wait(timeout=READY_WITHIN)

    def _answers(self) -> bool:
        listening = re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", self.log())
        self.url = listening[1] if listening else ""
        with suppress(requests.RequestException):
            return bool(self.url) and requests.get(self.url, timeout=5).ok
        return False


@contextmanager
def running(
    folder: Path,
    script: str,
    *arguments: str,
    files: Mapping[str, str] | None = None,
    **variables: str,
) -> Iterator[Server]:
    """Start a server for a script's text in `folder`/azureml-app, where `files` are put as well.

    It listens on a free port of its own.
    """
    app_root = folder / "azureml-app"
    write_files(app_root, {"code/score.py": script} | dict(files or {}))
    own = {
        "AML_APP_ROOT": str(app_root),
        "AZUREML_SOURCE_DIRECTORY": "code",
        "AZUREML_ENTRY_SCRIPT": "code/score.py",
        "SCOREDOCK_BIND": "127.0.0.1:0",
        "OUT": str(folder / "out"),
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", str(ROOT / "docker" / "entrypoint.sh"), *arguments],
            env=server_variables() | own | variables,
            cwd=app_root,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that what a server leaves behind can be ended, too
        )
    try:
        yield Server(process, log)
    finally:
        with suppress(ProcessLookupError):
            killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_command(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run `scoredock-server` to its end."""
    return subprocess.run(
        [server_python(), "-m", "scoredock_server", *arguments],
        env=server_variables() | variables,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=READY_WITHIN,
        check=False,
    )


def ask_to_reload(folder: Path, seconds: int = 30) -> tuple[int, str]:
    """Ask the server at `folder`/reload.sock; return the exit code and what is said."""
    path = str(folder / "reload.sock")
    asked = subprocess.run(
        [server_python(), "-m", "scoredock_server.reload", path, str(seconds)],
        env=server_variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.returncode, asked.stdout.strip()


def check_script(folder: Path, script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Load a script's text in `folder` with --check: much faster than a start of the server."""
    write_files(folder, {"score.py": script})
    return run_command("--entry-script", "score.py", "--check", cwd=folder, **variables)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def wait_until(
    happened: Callable[[], object], tell: Callable[[], str] = str, *, within: float = 20
) -> None:
    end = time.monotonic() + within
    while not happened():
        if time.monotonic() > end:
            pytest.fail(f"it has not happened within {within} s:\n{tell()}")
        time.sleep(0.02)


def wait_for_log(server: Server, pattern: str, count: int = 1) -> list[str]:
    """Return what matches in the log, once it is there `count` times."""
    wait_until(lambda: len(re.findall(pattern, server.log())) >= count, server.log)
    return re.findall(pattern, server.log())


def send(server: Server, raw: bytes) -> tuple[int, bytes]:
    """Send bytes and no more; return the status of the answer and what follows its headers."""
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body
