"""The interpreter that the server under test runs on; it need not be the one of pytest.

SERVER_PYTHON names one in whose environment scoredock-server is installed. Without it the
server's sources run on the kit's own interpreter.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from support import ROOT

SOURCES = ROOT / "docker" / "server"

# What a developer's shell may hold for a server of their own, and pytest: the test's name.
HIDDEN = (
    "AML_", "AZUREML_", "GUNICORN_", "PYTEST_", "SCOREDOCK_", "SCORING_", "WORKER_", "PYTHONPATH",
)  # fmt: skip

# Python 3.6 and 3.7 have no importlib.metadata.
LIST_DISTRIBUTIONS = """
import json, platform
try:
    from importlib.metadata import distributions
    found = {each.metadata["Name"]: each.version for each in distributions()}
except ImportError:
    from pkg_resources import working_set
    found = {each.project_name: each.version for each in working_set}
print(json.dumps(dict(found, python=platform.python_version())))
"""

FIND_MODULES = """
import sys
from importlib.util import find_spec
print(*[name for name in sys.argv[1:] if find_spec(name) is None])
"""


def server_python() -> Path:
    """Return the interpreter that serves."""
    return Path(os.environ.get("SERVER_PYTHON") or sys.executable).absolute()


def server_variables() -> dict[str, str]:
    """Return the process environment of a server: its own interpreter is first on PATH."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(HIDDEN)}
    path = f"{server_python().parent}{os.pathsep}{os.environ['PATH']}"
    return kept | python_path() | {"PATH": path, "PYTHONUNBUFFERED": "1"}


def python_path() -> dict[str, str]:
    """Return PYTHONPATH as a variable, where the server is not installed but lies here."""
    return {} if os.environ.get("SERVER_PYTHON") else {"PYTHONPATH": str(SOURCES)}


@functools.cache
def server_versions() -> dict[str, Version]:
    """Return the versions of `python` and of each distribution, by names as `inference-schema`."""
    found = json.loads(_ask(LIST_DISTRIBUTIONS))
    return {name.lower().replace("_", "-"): Version(text) for name, text in found.items() if name}


def require(*modules: str) -> None:
    """Skip the test where the server's interpreter lacks a module; fail it where CI=true."""
    if missing := _missing(*modules):
        reason = f"{server_python()} has no {', '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@functools.cache
def _missing(*modules: str) -> list[str]:
    return _ask(FIND_MODULES, *modules).split()


def _ask(code: str, *arguments: str) -> str:
    return subprocess.run(
        [server_python(), "-c", code, *arguments],
        env=server_variables(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
