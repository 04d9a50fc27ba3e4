import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from support import ROOT


class Server:
    """A scoring server under gunicorn, started as the container starts it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    def log(self) -> str:
        return self._log.read_text()

    def score(self, body: str | bytes = "{}", **settings: object) -> requests.Response:
        return requests.post(f"{self.url}/score", data=body, timeout=20, **settings)

    def wait_until_ready(self) -> "Server":
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                requests.get(self.url, timeout=5)
            except requests.ConnectionError:
                time.sleep(0.1)
            else:
                return self
        pytest.fail(f"the server is not ready (exit {self.process.poll()}):\n{self.log()}")

    def exit_code(self) -> int:
        return self.process.wait(timeout=30)


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path, port: int) -> Iterator[Serve]:
    """Start a server for a script's text; `files` lie beside it, models in the volume."""
    servers = []

    def start(script: str, *, files=(), models=(), **variables: str) -> Server:
        app_root = tmp_path / "azureml-app"
        contents = {"code/score.py": script, **dict(files)}
        contents |= {f"azureml-models/{name}": text for name, text in dict(models).items()}
        for name, text in contents.items():
            (app_root / name).parent.mkdir(parents=True, exist_ok=True)
            (app_root / name).write_text(text)
        log = tmp_path / "log"
        process = subprocess.Popen(
            ["sh", str(ROOT / "docker" / "entrypoint.sh")],
            env=os.environ
            | {
                "AML_APP_ROOT": str(app_root),
                "AZUREML_SOURCE_DIRECTORY": "code",
                "AZUREML_ENTRY_SCRIPT": "code/score.py",
                "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT / "docker" / "server"),
                "PYTHONUNBUFFERED": "1",
                "SCOREDOCK_BIND": f"127.0.0.1:{port}",
                "OUT": str(tmp_path / "out"),
            }
            | variables,
            cwd=app_root,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        servers.append(process)
        return Server(process, port, log)

    yield start
    for process in servers:
        process.terminate()
        process.wait(timeout=40)
