"""A folder on this machine that takes the place of the cloud's workspace.

workspace.json                      what it is called
models/NAME/VERSION/                manifest.json, and files/<one file or folder> to be mounted
environments/NAME/VERSION/          the folder that the reference SDK saves
services/                           what is deployed
.staging/                           what is being written; on the same file system, for the rename

All but the first are made when something is put there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scoredock.errors import NotFoundError, WorkspaceError
from scoredock.paths import state
from scoredock.spec import SPEC_FILE
from scoredock.storage import disk_errors, staged
from scoredock.versions import VersionStore

WORKSPACE_FILE: Final = "workspace.json"
MANIFEST_FILE: Final = "manifest.json"
# Where a workspace is looked for in a folder of the user's.
IN_PROJECT: Final = Path(".scoredock", "workspace")
_STAGING: Final = ".staging"
_FORMAT: Final = 1
_HINT: Final = "make one: scoredock workspace init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where models, environments and services are."""

    folder: Path
    name: str

    @property
    def models(self) -> VersionStore:
        """Every version of every model; registry.py makes and reads them."""
        return self._store("models", "a model", MANIFEST_FILE)

    @property
    def environments(self) -> VersionStore:
        """Every version of every environment; environments.py makes and reads them."""
        return self._store("environments", "an environment", SPEC_FILE)

    @property
    def services(self) -> Path:
        """The folder of what is deployed."""
        return self.folder / "services"

    def _store(self, name: str, kind: str, main: str) -> VersionStore:
        return VersionStore(
            folder=self.folder / name, staging=self.folder / _STAGING, kind=kind, main=main
        )


def default_folder() -> Path:
    """Return where the workspace is that is not looked for elsewhere."""
    return state("workspace")


def find_workspace(folder: Path | None = None, *, start: Path | None = None) -> Workspace:
    """Return the workspace in `folder`.

    Without one: the nearest .scoredock/workspace from `start`, the working directory, upwards; or
    else the one in the state folder. Raises NotFoundError where there is none.
    """
    if folder is not None:
        return load_workspace(folder)
    start = (start or Path.cwd()).absolute()
    for parent in (start, *start.parents):
        if (parent / IN_PROJECT / WORKSPACE_FILE).is_file():
            return load_workspace(parent / IN_PROJECT)
    if (default_folder() / WORKSPACE_FILE).is_file():
        return load_workspace(default_folder())
    raise NotFoundError(
        f"no workspace: neither {start / IN_PROJECT}, nor in a folder above, nor "
        f"{default_folder()}",
        hint=_HINT,
    )


def load_workspace(folder: Path) -> Workspace:
    """Return the workspace that lies in `folder`. Raises NotFoundError, or WorkspaceError."""
    file = folder.absolute() / WORKSPACE_FILE
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        hint = f"{_HINT} {folder}"
        raise NotFoundError(f"{folder}: no workspace: it has no {file.name}", hint=hint) from None
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{file}: cannot be read: {error}") from error
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        raise WorkspaceError(f'{file}: expected {{"name": …, "format": {_FORMAT}}}')
    if data.get("format") != _FORMAT:
        raise WorkspaceError(
            f"{file}: expected format {_FORMAT}, found {data.get('format')!r}",
            hint="it is of another version of scoredock: use that one",
        )
    return Workspace(folder=file.parent, name=data["name"])


def init_workspace(folder: Path | None = None, *, name: str = "") -> Workspace:
    """Make a workspace in `folder`, the state folder's without one; return the one that is there.

    Raises WorkspaceError where the folder holds anything else, or is called otherwise already.
    """
    folder = (folder or default_folder()).absolute()
    if (folder / WORKSPACE_FILE).is_file():
        there = load_workspace(folder)
        if name not in ("", there.name):
            raise WorkspaceError(
                f"{folder}: expected a workspace {name!r}, found the workspace {there.name!r}",
                hint="leave the name out, or name another folder",
            )
        return there
    if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - {_STAGING}):
        raise WorkspaceError(f"{folder}: is not an empty folder", hint="name another")
    made = Workspace(folder=folder, name=name or _name_of(folder))
    text = json.dumps({"name": made.name, "format": _FORMAT}, indent=2, ensure_ascii=False)
    with disk_errors(folder), staged(folder / _STAGING) as scratch:
        (scratch / WORKSPACE_FILE).write_text(text + "\n", encoding="utf-8")
        (scratch / WORKSPACE_FILE).replace(folder / WORKSPACE_FILE)
    return made


def _name_of(folder: Path) -> str:
    """Return the folder's name, or that of the project that it lies in."""
    in_project = folder.parts[-2:] == IN_PROJECT.parts
    return (folder.parents[1].name if in_project else folder.name) or "workspace"
