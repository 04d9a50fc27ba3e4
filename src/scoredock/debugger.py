"""debugpy for a service: fetched on this machine once for each Python, and mounted read-only.

The image stays the one for production: the debugger is no part of it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from scoredock.context import set_modes
from scoredock.engine import connect, engine_errors
from scoredock.errors import EngineError
from scoredock.network import NO_NETWORK, Network
from scoredock.paths import state

# Where compose.debug.yaml mounts the folder, and the port in the container.
MOUNTED: Final = "/opt/scoredock/debugpy"
DEBUG_PORT: Final = 5678
# What is asked of an environment's Python: its version, and whether it has debugpy itself.
_QUESTION: Final = (
    "import sys, importlib.util as u; print('%d.%d' % sys.version_info[:2], u.find_spec('debugpy'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """How a package index is reached from this machine; what is empty, pip's own settings say."""

    network: Network = NO_NETWORK
    ca_file: Path | None = None
    pip_config: Path | None = None


def debugpy_for_image(image: str, fetching: Fetching, *, report: Callable[[str], None]) -> Path:
    """Return the folder with debugpy for the Python of an image. Raises EngineError."""
    with engine_errors(f"asking {image} for its Python"):
        # Longer than an answer takes: this starts a container.
        said: bytes = connect(timeout=60).containers.run(
            image, ["-c", _QUESTION], entrypoint=["python"], remove=True, network_disabled=True
        )
    return _folder(said.decode("utf-8", "replace"), fetching, report)


def debugpy_for_prefix(prefix: Path, fetching: Fetching, *, report: Callable[[str], None]) -> Path:
    """Return the folder with debugpy for an environment of this machine. Raises EngineError."""
    command = [str(prefix / "bin" / "python"), "-c", _QUESTION]
    return _folder(subprocess.check_output(command, text=True), fetching, report)


def _folder(said: str, fetching: Fetching, report: Callable[[str], None]) -> Path:
    """Return the folder for what an environment has said; it is empty where that has debugpy."""
    python_version, has = said.split(maxsplit=1)
    folder = state("debugpy", python_version)
    if not has.startswith("None") or (folder / "debugpy").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    report(f"fetching debugpy for Python {python_version}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetched = Path(scratch, "fetched")
        _fetch(fetched, python_version, fetching, Path(scratch))
        set_modes(fetched)
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)
    return folder


def pip_command(pip: str, python_version: str, target: Path) -> list[str]:
    """Return the command that takes the wheel without compiled parts, for any machine."""
    return [
        pip, "-m", "pip", "install", "--quiet", "--target", str(target), "--no-deps",
        "--no-compile", "--only-binary", ":all:", "--python-version", python_version,
        "--implementation", "py", "--abi", "none", "--platform", "any", "debugpy",
    ]  # fmt: skip


def pip_variables(fetching: Fetching, authorities: Path | None) -> dict[str, str]:
    """Return what pip has to know, as its variables: they may hold credentials."""
    network = fetching.network
    given = {
        "PIP_CONFIG_FILE": str(fetching.pip_config) if fetching.pip_config else "",
        "PIP_INDEX_URL": network.python_index,
        "PIP_EXTRA_INDEX_URL": " ".join(network.extra_python_indexes),
        "PIP_TRUSTED_HOST": " ".join(network.trusted_hosts),
        "PIP_CERT": str(authorities) if authorities else "",
        **network.proxy_arguments(),
    }
    return {name: value for name, value in given.items() if value}


def _fetch(target: Path, python_version: str, fetching: Fetching, scratch: Path) -> None:
    variables = pip_variables(fetching, _authorities(fetching, scratch))
    command = pip_command(_pip(scratch), python_version, target)
    result = subprocess.run(
        command,
        env=_without_own(os.environ) | variables | {"PIP_NO_INPUT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        raise EngineError(
            f"debugpy for Python {python_version} could not be fetched",
            command=command,
            log=result.stdout.splitlines()[-10:],
            hint="add debugpy to the packages of the environment spec, or mend the network "
            "settings: docs/network.md",
        )


def _without_own(variables: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would bring other packages than the index's into the folder."""
    return {name: value for name, value in variables.items() if name != "PYTHONPATH"}


def _authorities(fetching: Fetching, scratch: Path) -> Path | None:
    """Return one PEM file of the public authorities and those that are given, where any are."""
    given = [fetching.network.ca]
    if fetching.ca_file:
        given.append(fetching.ca_file.read_text(encoding="utf-8"))
    if not any(given):
        return None
    path = scratch / "authorities.pem"
    public = Path(requests.utils.DEFAULT_CA_BUNDLE_PATH).read_text(encoding="utf-8")
    path.write_text("\n".join([public, *given]), encoding="utf-8")
    return path


def _pip(scratch: Path) -> str:
    """Return a Python with pip: this one, or one that is made where its maker left pip out."""
    from importlib.util import find_spec

    if find_spec("pip"):
        return sys.executable
    made = scratch / "pip"
    subprocess.run([sys.executable, "-m", "venv", str(made)], check=True, capture_output=True)
    return str(made / "bin" / "python")
