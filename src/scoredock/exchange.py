"""One version of a model as one file, and back: a tar of manifest.json and files/.

The file is the same wherever and whenever it is made. Nothing of it is believed: what is read is
compared with the manifest, which comes first, before a version appears.
"""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from scoredock.errors import WorkspaceError
from scoredock.manifest import Manifest, ModelFile, manifest_text, parse_manifest
from scoredock.meter import Meter
from scoredock.models import FILES, Model, told
from scoredock.registry import add, now
from scoredock.storage import disk_errors, sync
from scoredock.stored import damaged
from scoredock.tree import READ, store
from scoredock.versions import check_name
from scoredock.workspace import MANIFEST_FILE, Workspace

Report = Callable[[str], None]
# A million files have a manifest of some 150 MB.
_LARGEST_MANIFEST: Final = 1 << 28


def export_version(
    model: Model, target: Path, *, overwrite: bool = False, report: Report = lambda _: None
) -> Path:
    """Write a version into the file `target` and return its path.

    Raises WorkspaceError where the file exists and is not to be overwritten, StorageError where
    the model is not as it was registered: then nothing is written.
    """
    if os.path.lexists(target) and not overwrite:
        raise WorkspaceError(f"{target}: already exists", hint="to overwrite it: --force")
    meter = Meter(model.size, report)
    folder = target.absolute().parent
    with disk_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".scoredock-") as scratch:
            written = Path(scratch, "version.tar")
            with written.open("xb") as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                    _write(archive, model, meter)
                file.flush()
                os.fsync(file.fileno())
            written.replace(target)
        sync(folder)
    report(f"exported {told(model)} in {meter.elapsed}")
    return target


def _write(archive: tarfile.TarFile, model: Model, meter: Meter) -> None:
    manifest = manifest_text(model).encode()
    archive.addfile(_member(MANIFEST_FILE, len(manifest)), io.BytesIO(manifest))
    for name in sorted(model.empty_folders):
        member = _member(f"{FILES}/{name}", 0)
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(member)
    for file in sorted(model.files, key=lambda file: file.path):
        source = model.files_folder / file.path
        if source.is_symlink() or not source.is_file() or source.stat().st_size != file.size:
            raise damaged(model, file)
        member = _member(f"{FILES}/{file.path}", file.size)
        member.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
        with source.open("rb") as content:
            reader = _Hashing(content, meter)
            archive.addfile(member, reader)  # type: ignore[arg-type] # it calls read() only
        if reader.digest.hexdigest() != file.sha256:
            raise damaged(model, file)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Return a member without owner and time: those would tell one export from another."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


class _Hashing:
    """Reads a file for tarfile, and has the hash of what was read."""

    def __init__(self, content: IO[bytes], meter: Meter) -> None:
        self._content, self._meter = content, meter
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self._content.read(size)
        self.digest.update(chunk)
        self._meter.add(len(chunk))
        return chunk


def import_version(
    workspace: Workspace, file: Path, *, name: str = "", report: Report = lambda _: None
) -> Model:
    """Register what `export_version` wrote as a new version of its name, or of `name`.

    Raises WorkspaceError where the file is none of those, was damaged, or holds what would be
    written elsewhere: then there is no new version.
    """
    if not file.is_file():
        raise WorkspaceError(f"{file}: no such file")
    label = str(file)
    with _reading(label):
        archive = tarfile.open(file, mode="r:")  # noqa: SIM115 - closed below
    with archive:
        written = _read_manifest(archive, label)
        new_name = check_name(name or written.name, "a model")
        meter = Meter(written.size, report)

        def fill(folder: Path) -> Manifest:
            _extract(archive, written, folder, meter, label)
            return replace(written, name=new_name, created=now())

        model = add(workspace, new_name, fill)
    report(f"imported {told(model)} in {meter.elapsed}")
    return model


@contextmanager
def _reading(label: str) -> Iterator[None]:
    """Raise WorkspaceError where the file is no tar, or ends too early."""
    try:
        yield
    except (OSError, ValueError, tarfile.TarError) as error:
        raise _not_ours(label, str(error)) from error


def _read_manifest(archive: tarfile.TarFile, label: str) -> Manifest:
    with _reading(label):
        member = archive.next()
    if member is None or member.name != MANIFEST_FILE or member.type not in _PLAIN:
        raise _not_ours(label, f"it does not begin with {MANIFEST_FILE}")
    if member.size > _LARGEST_MANIFEST:
        raise _not_ours(label, f"its {MANIFEST_FILE} has {member.size} bytes")
    with _reading(label):
        text = _content(archive, member).read()
    return parse_manifest(text, label=f"{label}: {MANIFEST_FILE}")


# Neither a link, a device or a pipe, nor a sparse file, which is larger than what is read of it.
_PLAIN: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)


def _extract(
    archive: tarfile.TarFile, manifest: Manifest, folder: Path, meter: Meter, label: str
) -> None:
    """Write the members into `folder`: exactly what the manifest lists, byte for byte."""
    awaited = {f"{FILES}/{file.path}": file for file in manifest.files}
    empty = {f"{FILES}/{path}" for path in manifest.empty_folders}
    while (member := _next(archive, label)) is not None:
        if member.type == tarfile.DIRTYPE and member.name in empty:
            continue  # made with the others, as the manifest lists them
        file = awaited.pop(member.name, None)
        if file is None or member.type not in _PLAIN:
            raise _not_ours(label, f"it holds {member.name!r}, which the manifest does not list")
        if member.size != file.size:
            raise _damaged(label, file)
        found = store(folder / file.path, _read(archive, member, meter, label), _executable(member))
        if found != (file.size, file.sha256):
            raise _damaged(label, file)
    if awaited:
        raise _not_ours(label, f"it ends before {min(awaited)!r}")


def _next(archive: tarfile.TarFile, label: str) -> tarfile.TarInfo | None:
    with _reading(label):
        return archive.next()


def _read(
    archive: tarfile.TarFile, member: tarfile.TarInfo, meter: Meter, label: str
) -> Iterator[bytes]:
    content = _content(archive, member)
    while True:
        with _reading(label):
            chunk = content.read(READ)
        if not chunk:
            return
        meter.add(len(chunk))
        yield chunk


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise tarfile.ReadError(f"{member.name!r} is no file")
    return content


def _executable(member: tarfile.TarInfo) -> bool:
    return bool(member.mode & 0o100)


def _damaged(label: str, file: ModelFile) -> WorkspaceError:
    return WorkspaceError(
        f"{label}: {file.path} is not what its manifest says",
        hint="it was damaged on its way, or changed: export the version again",
    )


def _not_ours(label: str, why: str) -> WorkspaceError:
    return WorkspaceError(
        f"{label}: expected a file of `scoredock model export`: {why}",
        hint="a model's own file or folder: scoredock model register",
    )
