"""Where environments come from: requirements, this machine's conda, a folder with a Dockerfile."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoredock.sdk.conda_dependencies import CondaDependencies
from scoredock.sdk.errors import UserErrorException

_MOST_SECONDS = 300


def pip_dependencies(file: Path, pip_version: str | None) -> CondaDependencies:
    """Return what a requirements file says, with the reference's Python and conda's pip."""
    conda = CondaDependencies()
    conda.set_pip_requirements([])
    requirements = CondaDependencies(file)
    conda.set_pip_requirements([*requirements.pip_options, *requirements.pip_packages])
    conda.add_conda_package(f"pip={pip_version}" if pip_version else "pip")
    return conda


def conda_export(name: str, folder: Path) -> Path | None:
    """Write what `conda env export` says of an environment; None where conda has no such one.

    Raises UserErrorException where this machine has no conda, or it fails.
    """
    if shutil.which("conda") is None:
        raise UserErrorException("no conda on PATH", hint="pass the file of `conda env export`")
    listed: dict[str, Any] = json.loads(_conda("env", "list", "--json"))
    names = {Path(path).name for path in listed.get("envs", ())} | {"base"}
    if name not in names:
        return None
    file = folder / "conda.yml"
    file.write_text(_conda("env", "export", "--no-builds", "--name", name), encoding="utf-8")
    return file


def _conda(*arguments: str) -> str:
    command = ["conda", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_MOST_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise UserErrorException(f"{' '.join(command)}: no answer in {_MOST_SECONDS} s") from error
    if done.returncode:
        log = done.stderr.splitlines()[-20:]
        raise UserErrorException(f"{' '.join(command)} failed", log=log)
    return done.stdout


@dataclass(frozen=True, slots=True)
class DockerBuildContext:
    """A folder of this machine with a Dockerfile in it."""

    folder: Path
    dockerfile: Path

    @staticmethod
    def from_local_directory(
        workspace: Any,  # noqa: ARG004 - nothing is uploaded
        path: str | Path,
        dockerfile_path: str = "Dockerfile",
    ) -> "DockerBuildContext":
        """Return the folder; all of its files are at hand in the build, each at its place."""
        folder = Path(path).absolute()
        if not (folder / dockerfile_path).is_file():
            raise UserErrorException(f"{folder}: expected a {dockerfile_path}, found none")
        return DockerBuildContext(folder, folder / dockerfile_path)
