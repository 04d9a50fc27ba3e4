"""Models that lie in azureml-models/NAME/VERSION, as a container and a download have them."""

import os
from pathlib import Path

from scoredock.sdk.errors import ModelNotFoundException, WebserviceException


def local_model_path(name: str, version: int | None) -> str:
    """Return the path of the one file or folder of a version, of the newest without a number.

    Without a version a file or folder NAME in the working directory is taken, too. Raises
    ModelNotFoundException, and WebserviceException where a version holds not exactly one entry.
    """
    root = Path(os.environ.get("AML_APP_ROOT", ""), "azureml-models")
    numbers = _numbers(root / name)
    if version is None and not numbers and Path(name).exists():
        return name
    found = max(numbers, default=None) if version is None else version
    if found not in numbers:
        wanted = f"Model {name}" if version is None else f"Model {name}, version {version},"
        there = ", ".join(map(str, sorted(numbers))) or "none"
        raise ModelNotFoundException(
            f"{wanted} not found in cache at {root / name} (its versions: {there}) or in current "
            f"working directory {Path.cwd()}"
        )
    folder = root / name / str(found)
    entries = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if len(entries) != 1:
        raise WebserviceException(
            f"Dir {folder} can contain only 1 file or folder. Found {entries}"
        )
    return str(folder / entries[0])


def _numbers(folder: Path) -> set[int]:
    if not folder.is_dir():
        return set()
    return {int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()}
