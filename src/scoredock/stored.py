"""The files of a registered model: compared with its manifest, and copied out of the workspace."""

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from scoredock.errors import StorageError, WorkspaceError
from scoredock.manifest import ModelFile
from scoredock.meter import Meter
from scoredock.models import Model
from scoredock.storage import disk_errors, remove
from scoredock.tree import READ, file_digest, settle, store

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What is not as it was registered, by path."""

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)

    def lines(self) -> list[str]:
        """Return a line for each: `changed: model.pkl`."""
        kinds = {"missing": self.missing, "extra": self.extra, "changed": self.changed}
        return [f"{kind}: {path}" for kind, paths in kinds.items() for path in paths]


def verify(model: Model, *, report: Report = lambda _: None) -> Differences:
    """Compare every file with the manifest; one that cannot be read counts as changed."""
    meter = Meter(model.size, report)
    there = set(_paths(model.files_folder))
    known = {file.path for file in model.files} | set(model.empty_folders)
    files = [file for file in model.files if file.path in there]
    return Differences(
        missing=tuple(sorted(known - there)),
        extra=tuple(sorted(there - known)),
        changed=tuple(file.path for file in files if not _is_as_registered(model, file, meter)),
    )


def _paths(folder: Path) -> Iterator[str]:
    """Yield every file, link and empty folder, relative to `folder`."""
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*names, *links):
            yield Path(parent, name).relative_to(folder).as_posix()
        if not names and not folders and Path(parent) != folder:
            yield Path(parent).relative_to(folder).as_posix()


def _is_as_registered(model: Model, file: ModelFile, meter: Meter) -> bool:
    path = model.files_folder / file.path
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != file.size:
            return False
        return file_digest(path, meter.add) == file.sha256
    except OSError:
        return False


def _chunks(path: Path, meter: Meter) -> Generator[bytes, None, None]:
    """Yield the content of a file."""
    with path.open("rb") as file:
        while chunk := file.read(READ):
            meter.add(len(chunk))
            yield chunk


def damaged(model: Model, file: ModelFile) -> StorageError:
    """Return the error for a stored file that is not what was registered."""
    return StorageError(
        f"{model.files_folder / file.path}: is not what was registered as {model.id}",
        hint=f"scoredock model verify {model.id} names every file that differs",
    )


def download(
    model: Model,
    target_dir: Path = Path(),
    *,
    exist_ok: bool = False,
    report: Report = lambda _: None,
) -> Path:
    """Copy the model's file or folder into `target_dir` and return the path of the copy.

    Where there is something of that name, it is replaced as a whole with `exist_ok`, and else an
    error. Raises WorkspaceError, or StorageError; what was there before is as it was then.
    """
    target = target_dir / model.entry
    if os.path.lexists(target) and not exist_ok:
        raise WorkspaceError(
            f"{target}: already exists", hint="to overwrite it: --force, or exist_ok=True"
        )
    meter = Meter(model.size, report)
    with disk_errors(target_dir):
        target_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target_dir, prefix=".scoredock-") as scratch:
            new, old = Path(scratch, "new"), Path(scratch, "old")
            new.mkdir()
            for file in model.files:
                source = model.files_folder / file.path
                executable = bool(source.stat().st_mode & 0o100)
                with closing(_chunks(source, meter)) as chunks:
                    found = store(new / file.path, chunks, executable)
                if found != (file.size, file.sha256):
                    raise damaged(model, file)
            settle(new, model.empty_folders)
            if os.path.lexists(target):
                target.rename(old)
            (new / model.entry).rename(target)
            if os.path.lexists(old):
                remove(old)
    report(f"downloaded {model.id} in {meter.elapsed}")
    return target
