"""What a service is: its port, and what it serves now and served before. JSON in the workspace.

services/NAME/service.json        the record, replaced as a whole
services/NAME/.lock               held while anything changes
services/NAME/revisions/N/        what revision N serves, never changed: code/, models/
services/NAME/failed.log          the last words of a revision that did not come to serve
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from scoredock.errors import WorkspaceError
from scoredock.port import local_name

RuntimeName: TypeAlias = Literal["docker", "process"]

# As the reference has it: lower case letters, digits and dashes, from 3 to 32.
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
_FORMAT = 1


class ServiceError(WorkspaceError):
    """A service is not there, cannot be named so, or is in no state for what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedModel:
    """A model as a revision has it: `folder` becomes azureml-models/NAME/VERSION."""

    name: str
    version: str
    folder: str
    """Absolute; it holds one file or folder."""
    manifest: str = ""
    """The file with the hashes of a registered model; empty where it is not registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What is served between two updates; a folder of its own holds the code."""

    number: int
    created: str = ""
    """UTC, ISO 8601."""
    environment: str = ""
    """What the environment is found by: the name of its image, or its folder on this machine."""
    environment_name: str = ""
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    """The spec's, where no image has them."""
    source_name: str = ""
    entry_script: str = ""
    source: str = ""
    """The folder that the code was copied from, for a reload."""
    source_is_root: bool = False
    """Whether AML_APP_ROOT is the entry script's own folder, as for a v2 deployment."""
    models: tuple[MountedModel, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the service, which win over the environment's own."""
    service_options: Mapping[str, Any] = field(default_factory=dict)
    """How the container runs: keys of a compose service."""
    start_period: str = "120s"
    debug_port: int = 0
    """Where a debugger attaches, on loopback; 0: none is let in."""
    debugpy: str = ""
    """The folder that holds the debugger, outside of the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """A service of the workspace; `current` is the number of the revision that serves, 0: none."""

    name: str
    runtime: RuntimeName
    bind: str
    port: int
    created: str
    holder: str = ""
    """What the port's holder is made from: an image or an environment's folder."""
    key_file: str = ""
    """The service's own copy of its keys; empty where it asks for none."""
    current: int = 0
    previous: int = 0
    """What a rollback goes back to; 0 where there is nothing."""
    revisions: tuple[Revision, ...] = ()
    error: str = ""
    """Why the last deployment or update did not come to serve; empty after one that did."""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def revision(self, number: int) -> Revision:
        """Return the revision of that number. Raises ServiceError."""
        for revision in self.revisions:
            if revision.number == number:
                return revision
        raise ServiceError(f"{self.name}: no revision {number}")

    @property
    def serving(self) -> Revision:
        """The revision that serves. Raises ServiceError where none does."""
        return self.revision(self.current)

    @property
    def environments(self) -> set[str]:
        """What the port's holder and each revision are made from."""
        return {self.holder, *(each.environment for each in self.revisions)} - {""}

    @property
    def scoring_uri(self) -> str:
        """Where to POST, on this machine."""
        return f"http://{local_name(self.bind)}:{self.port}/score"

    def with_revision(self, revision: Revision) -> "ServiceRecord":
        """Return the record with one more revision, which does not serve yet."""
        return replace(self, revisions=(*self.revisions, revision))


def check_name(name: str) -> str:
    """Return the name. Raises ServiceError for one that no service can have."""
    if not _NAME.fullmatch(name):
        raise ServiceError(
            f"expected a name of 3 to 32 lower-case letters, digits and dashes that begins with a "
            f"letter, found {name!r}"
        )
    return name


class ServiceFolder:
    """Where a workspace keeps one service."""

    def __init__(self, services: Path, name: str) -> None:
        self.name = check_name(name)
        self.path = services / name

    def revision(self, number: int) -> Path:
        """Return the folder of a revision."""
        return self.path / "revisions" / str(number)

    def code(self, number: int) -> Path:
        """Return the folder of a revision's entry script."""
        return self.revision(number) / "code"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from changing the service meanwhile."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def keep_keys(self, source: Path) -> Path:
        """Copy the file with the service's keys, which count at once; return the copy.

        The folder that is mounted lies in one that is closed to the machine's other users: the
        container has another user, and must be able to read it.
        """
        closed = self.path / "access"
        closed.mkdir(parents=True, exist_ok=True)
        closed.chmod(0o700)
        folder = closed / "mounted"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        scratch = folder / ".new"
        scratch.write_bytes(source.read_bytes())
        scratch.chmod(0o644)
        return scratch.replace(folder / "keys")

    def read(self) -> ServiceRecord:
        """Return the record. Raises ServiceError where there is none, or it cannot be read."""
        path = self.path / "service.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ServiceError(
                f"no service {self.name} in this workspace", hint="scoredock service list"
            ) from None
        except (OSError, ValueError) as error:
            raise ServiceError(f"{path}: cannot be read: {error}") from error
        return _record(data, path)

    def find(self) -> ServiceRecord | None:
        """Return the record, or None where there is no such service."""
        return self.read() if (self.path / "service.json").exists() else None

    def write(self, record: ServiceRecord) -> None:
        """Replace the record: as a whole, or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"format": _FORMAT, **asdict(record)}, indent=1) + "\n"
        descriptor, scratch = tempfile.mkstemp(dir=self.path, prefix=".service-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(scratch).replace(self.path / "service.json")
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise

    def prune(self, record: ServiceRecord, *, keep: int) -> ServiceRecord:
        """Forget all revisions but the last `keep`, and those that serve or are gone back to.

        What a revision's folder holds of the models of another one stays.
        """
        numbers = [each.number for each in record.revisions][-keep:]
        wanted = {*numbers, record.current, record.previous}
        kept = tuple(each for each in record.revisions if each.number in wanted)
        pruned = replace(record, revisions=kept)
        self.write(pruned)
        mounted = [Path(model.folder) for each in kept for model in each.models]
        for folder in (self.path / "revisions").glob("[0-9]*"):
            if int(folder.name) in wanted:
                continue
            # An update that names no model has those of the revision before, which may lie there.
            if any(path.is_relative_to(folder) for path in mounted):
                shutil.rmtree(folder / "code", ignore_errors=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return pruned


def _record(data: Any, path: Path) -> ServiceRecord:
    try:
        if data.pop("format") != _FORMAT:
            raise ServiceError(f"{path}: of another scoredock", hint="use the one that wrote it")
        revisions = tuple(_revision(each) for each in data.pop("revisions"))
        return ServiceRecord(revisions=revisions, **data)
    except (AttributeError, KeyError, TypeError) as error:
        raise ServiceError(f"{path}: cannot be read: {error}") from error


def _revision(data: dict[str, Any]) -> Revision:
    models = tuple(MountedModel(**model) for model in data.pop("models"))
    return Revision(models=models, **data)


def service_names(services: Path) -> list[str]:
    """Return the names of the workspace's services, in order."""
    return sorted(path.parent.name for path in services.glob("*/service.json"))
