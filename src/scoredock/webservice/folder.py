"""Where a workspace keeps a service: its record as JSON, and a folder for each revision.

services/NAME/service.json        the record, replaced as a whole
services/NAME/.lock               held while anything changes
services/NAME/revisions/N/        what revision N serves, never changed: code/, models/
services/NAME/live/N/             the code that server N has mounted: of the revision it serves now
services/NAME/access/mounted/     its keys, where it asks for some: a folder that servers mount
services/NAME/failed.log          the last words of a revision that did not come to serve
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scoredock.webservice.record import (
    ServiceError,
    ServiceRecord,
    check_name,
    read_record,
    record_data,
)


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

    def live(self, server: int) -> Path:
        """Return the folder that a server has mounted as its code."""
        return self.path / "live" / str(server)

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
        return read_record(data, path)

    def find(self) -> ServiceRecord | None:
        """Return the record, or None where there is no such service."""
        return self.read() if (self.path / "service.json").exists() else None

    def write(self, record: ServiceRecord) -> None:
        """Replace the record: as a whole, or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(record_data(record), indent=1) + "\n"
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
        for folder in (self.path / "live").glob("[0-9]*"):
            if int(folder.name) != record.server:
                shutil.rmtree(folder, ignore_errors=True)
        mounted = [Path(model.folder) for each in kept for model in each.models]
        for folder in (self.path / "revisions").glob("[0-9]*"):
            if int(folder.name) in {*wanted, record.server}:
                continue
            # An update that names no model has those of the revision before, which may lie there.
            if any(path.is_relative_to(folder) for path in mounted):
                shutil.rmtree(folder / "code", ignore_errors=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return pruned


def service_names(services: Path) -> list[str]:
    """Return the names of the workspace's services, in order."""
    return sorted(path.parent.name for path in services.glob("*/service.json"))
