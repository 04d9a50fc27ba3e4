"""How the commands of models print what they found."""

from pathlib import Path
from typing import Any

from scoredock.errors import presentable
from scoredock.manifest import manifest_data
from scoredock.meter import size_text
from scoredock.models import Model
from scoredock.output import print_json, print_table


def model_data(found: Model) -> dict[str, Any]:
    """Return a version as --json prints it."""
    return {"id": found.id, **manifest_data(found), "path": str(found.path)}


def model_row(found: Model) -> tuple[str, ...]:
    """Return a version as `model list` prints it."""
    tags = " ".join(f"{key}={value}" for key, value in found.tags.items())
    date = f"{found.created:%Y-%m-%d %H:%M}"
    return (found.id, date, size_text(found.size), found.framework, tags)


def _cell(key: str, value: Any) -> str:
    if key == "size":
        return size_text(value)
    return " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def print_all(found: Model) -> None:
    """Print all that is known of a version, and its files as `sha256sum` does."""
    data = model_data(found)
    files = data.pop("files")
    rows = [(key, value) for key, value in data.items() if value and key != "empty_folders"]
    print_table([(key, _cell(key, value)) for key, value in rows])
    for file in files:
        print(presentable(f"{file['sha256']}  {file['path']}"))


def print_id(found: Model, as_json: bool) -> None:
    """Print NAME:VERSION, or all."""
    if as_json:
        print_json(model_data(found))
    else:
        print(found.id)


def print_path(found: Model, path: Path, as_json: bool) -> None:
    """Print where a version was written."""
    if as_json:
        print_json({"id": found.id, "path": str(path)})
    else:
        print(path)
