"""A file or a folder of the user's: what is in it, and a copy with the hash of each file."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from scoredock.errors import WorkspaceError
from scoredock.manifest import ModelFile, is_safe
from scoredock.meter import Meter
from scoredock.storage import sync

READ: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file as it was when the folder was looked through."""

    path: str
    """From the entry on."""
    source: Path
    size: int
    changed: tuple[int, int, int]
    """Device, number and time of change: another tells that it is another file by now."""
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What is in a file or a folder; links within it are files and folders like any other."""

    files: tuple[Found, ...]
    empty_folders: tuple[str, ...]
    entry: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def survey(path: Path, child_paths: Sequence[str] = ()) -> Tree:
    """Look through a file or a folder, or only through what `child_paths` name in it.

    Raises WorkspaceError for what is not there, cannot be read, is neither file nor folder, or is
    a link that leads nowhere, out of the folder or around in a circle.
    """
    top = Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps its own name
    if not os.path.lexists(top):
        raise WorkspaceError(f"{path}: no such file or folder")
    root = _real(top)
    if not top.name:
        raise WorkspaceError(f"{path}: expected a file or a folder with a name")
    walk = _Walk(root)
    if not child_paths:
        walk.enter(root, top.name, ())
    for child in child_paths:
        inner = PurePosixPath(child).as_posix()
        if not is_safe(inner):
            raise WorkspaceError(f"expected a path within {path}, found {child!r}")
        if not os.path.lexists(root / inner):
            raise WorkspaceError(f"{path}: has no {child!r}")
        walk.enter(root / inner, f"{top.name}/{inner}", (root,))
    if not walk.files:
        raise WorkspaceError(f"{path}: holds no file")
    return Tree(
        files=tuple(walk.files[name] for name in sorted(walk.files)),
        empty_folders=tuple(sorted(walk.empty_folders)),
        entry=top.name,
    )


class _Walk:
    """Collects what is below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, Found] = {}
        self.empty_folders: set[str] = set()

    def enter(self, place: Path, name: str, above: tuple[Path, ...]) -> None:
        real = _real(place)
        if not real.is_relative_to(self.root):
            raise WorkspaceError(
                f"{place}: links to {real}, out of {self.root}",
                hint="put what it links to into the folder, or remove the link",
            )
        if real in above:
            raise WorkspaceError(f"{place}: links to a folder that holds it")
        try:
            name.encode("utf-8")
            found = real.stat()
            is_folder = stat.S_ISDIR(found.st_mode)
            inner = sorted(child.name for child in real.iterdir()) if is_folder else []
        except UnicodeEncodeError:
            raise WorkspaceError(f"{place!r}: its name is not UTF-8", hint="rename it") from None
        except OSError as error:
            raise WorkspaceError(f"{place}: cannot be read: {error.strerror}") from error
        if stat.S_ISREG(found.st_mode):
            self.files[name] = Found(
                path=name,
                source=real,
                size=found.st_size,
                changed=(found.st_dev, found.st_ino, found.st_mtime_ns),
                executable=bool(found.st_mode & stat.S_IXUSR),
            )
        elif not is_folder:
            raise WorkspaceError(f"{place}: is neither a file nor a folder")
        elif not inner:
            self.empty_folders.add(name)
        for child in inner:
            self.enter(place / child, f"{name}/{child}", (*above, real))


def _real(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path, strict=True))
    except OSError as error:
        link = f"{path}: links to nothing" if path.is_symlink() else f"{path}: cannot be read"
        raise WorkspaceError(f"{link}: {error.strerror}") from error


def copy_tree(tree: Tree, folder: Path, meter: Meter) -> tuple[ModelFile, ...]:
    """Copy into `folder`, readable for everybody, and return each file with its hash."""
    copied = []
    for found in tree.files:
        size, digest = store(folder / found.path, _chunks(found, meter), found.executable)
        if size != found.size:
            raise changed(found.source)
        copied.append(ModelFile(path=found.path, size=size, sha256=digest))
    return tuple(copied)


def refuse_changes(before: Tree, now: Tree) -> None:
    """Raise WorkspaceError, with the first file that differs, where a tree has changed."""
    if before != now:
        differing = {*before.files} ^ {*now.files}
        raise changed(min((file.source for file in differing), default=Path(before.entry)))


def changed(path: Path) -> WorkspaceError:
    """Return the error for a file that does not hold still."""
    return WorkspaceError(
        f"{path}: changed while it was copied", hint="wait until it is written, and try again"
    )


def _chunks(found: Found, meter: Meter) -> Iterator[bytes]:
    """Yield the content, one byte more than there was at the most."""
    left = found.size + 1
    try:
        with found.source.open("rb") as file:
            while left and (chunk := file.read(min(READ, left))):
                left -= len(chunk)
                meter.add(len(chunk))
                yield chunk
    except OSError as error:
        raise WorkspaceError(f"{found.source}: cannot be read: {error.strerror}") from error


def store(path: Path, chunks: Iterable[bytes], executable: bool = False) -> tuple[int, str]:
    """Write a new file that everybody may read, and return its size and sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o755 if executable else 0o644)
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    return size, digest.hexdigest()


def settle(folder: Path, empty_folders: Iterable[str] = ()) -> None:
    """Make what holds nothing, let everybody enter all folders, and see that the disk has all."""
    for name in empty_folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(parent, name))
        Path(parent).chmod(0o755)
        sync(Path(parent))


def file_digest(path: Path, count: Callable[[int], None] = lambda _: None) -> str:
    """Return the sha256 of a file; `count` is told the bytes as they are read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ):
            digest.update(chunk)
            count(len(chunk))
    return digest.hexdigest()
