from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from interpreter import require
from serving import Server, running

Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    """`@pytest.mark.needs("numpy")`: skipped without it, and failed where CI=true."""
    for marker in request.node.iter_markers("needs"):
        require(*marker.args)


@pytest.fixture
def serve(tmp_path: Path, port: int) -> Iterator[Serve]:
    """Start a server on `port` for a script's text; `files` lie beside it, models in the volume.

    It runs on the interpreter that SERVER_PYTHON names: see interpreter.py.
    """
    with ExitStack() as servers:

        def start(script: str, *, files=(), models=(), **variables: str) -> Server:
            volume = {f"azureml-models/{name}": text for name, text in dict(models).items()}
            own = {"SCOREDOCK_BIND": f"127.0.0.1:{port}"} | variables
            server = running(tmp_path, script, files=dict(files) | volume, **own)
            return servers.enter_context(server)

        yield start
