"""Environments that are registered: numbered folders as the reference SDK saves them.

What is registered again unchanged is the version that is there, as in the cloud: it is compared
with the newest one, but for the version's number.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from scoredock.canonical import (
    canonical_context,
    canonical_files,
    fill_canonical,
    write_canonical,
)
from scoredock.errors import WorkspaceError
from scoredock.formats import read
from scoredock.formats.reading import Reading
from scoredock.spec import SPEC_FILE, EnvironmentSpec
from scoredock.storage import disk_errors, write_durably
from scoredock.tree import file_digest, settle
from scoredock.versions import check_name, split_reference
from scoredock.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One registered version; `folder` is a spec as any other."""

    name: str
    version: int
    folder: Path

    @property
    def id(self) -> str:
        """`NAME:VERSION`."""
        return f"{self.name}:{self.version}"

    @property
    def created(self) -> datetime:
        """When it was registered."""
        seconds = (self.folder / SPEC_FILE).stat().st_mtime
        return datetime.fromtimestamp(seconds, timezone.utc)

    def read(self) -> Reading:
        """Return the spec."""
        return read(self.folder)


def register(
    workspace: Workspace,
    spec: EnvironmentSpec,
    *,
    name: str = "",
    base_context: Path | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Environment:
    """Register an environment under `name`, or its own, and return its version, old or new.

    `base_context` is the folder that its Dockerfile takes files from. `warn` is told what is left
    out. Raises WorkspaceError where it has no name, StorageError where the disk refuses.
    """
    name = name or spec.name or ""
    if not name:
        raise WorkspaceError("the environment has no name", hint="give it one: --name")
    check_name(name, "an environment")
    spec = spec.model_copy(update={"name": name, "version": "0"})
    files, warnings = canonical_files(spec)
    for line in warnings:
        warn(line)
    store = workspace.environments
    with disk_errors(workspace.folder), store.staged() as scratch:
        prepared = scratch / "version"
        prepared.mkdir()
        fill_canonical(prepared, files, base_context=base_context, leave_out=workspace.folder)
        settle(prepared)
        content = _content(prepared)

        def finish(number: int) -> None:
            numbered = spec.model_copy(update={"version": str(number)})
            write_durably(prepared / SPEC_FILE, canonical_files(numbered)[0][SPEC_FILE])

        number = store.publish(
            name, prepared, finish=finish, is_same=lambda folder: _content(folder) == content
        )
    return Environment(name=name, version=number, folder=store.place(name, number))


def _content(folder: Path) -> dict[str, object]:
    """Return what is in a folder but for the version's number: hashes, and the JSON."""
    content: dict[str, object] = {
        path.relative_to(folder).as_posix(): file_digest(path)
        for path in folder.rglob("*")
        if path.is_file()
    }
    data = json.loads((folder / SPEC_FILE).read_bytes())
    return content | {SPEC_FILE: data | {"version": None}}


def get(workspace: Workspace, reference: str, *, version: int | str | None = None) -> Environment:
    """Return `NAME:VERSION`, or the newest version of `NAME`. Raises NotFoundError."""
    name, number = split_reference(reference, version)
    folder = workspace.environments.find(name, number)
    return Environment(name=name, version=int(folder.name), folder=folder)


def list_environments(
    workspace: Workspace, *, name: str | None = None, latest: bool = False
) -> list[Environment]:
    """Return every version, or the newest of each name, by name, the oldest first."""
    store = workspace.environments
    names = store.names() if name is None else [check_name(name, "an environment")]
    return [
        Environment(name=each, version=number, folder=store.place(each, number))
        for each in names
        for number in store.numbers(each)[-1 if latest else 0 :]
    ]


def delete(workspace: Workspace, environment: Environment) -> None:
    """Delete a version; its number is not given again."""
    with disk_errors(environment.folder):
        workspace.environments.delete(environment.name, environment.version)


def download(environment: Environment, folder: Path) -> Path:
    """Write the environment into `folder`, which is made, for editing by hand; return it.

    Raises SpecError where it holds anything already.
    """
    reading = environment.read()
    files, _ = canonical_files(reading.spec)
    write_canonical(folder, files, base_context=canonical_context(reading))
    return folder
