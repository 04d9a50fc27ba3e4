"""Files that are written durably, and folders that are filled unseen and swept where they stay.

Whoever makes a version fills a folder of his own in `.staging` and renames it into its place. The
folder holds a locked file while its writer lives: what a killed one left has a lock that is free,
and the next writer removes it.
"""

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from scoredock.errors import StorageError

_LOCK: Final = "lock"
_HINTS: Final = {
    errno.ENOSPC: "free some space and try again; nothing was changed",
    errno.EDQUOT: "free some space and try again; nothing was changed",
    errno.EACCES: "this user may not write there: see who owns it",
    errno.EPERM: "this user may not write there: see who owns it",
    errno.EROFS: "mount it for writing, or name another workspace with --workspace",
}


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise StorageError, which names `folder`, where the system refuses to read or write."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "nothing was changed")
        raise StorageError(f"{folder}: {error.strerror or error}", hint=hint) from error


@contextmanager
def staged(staging: Path) -> Iterator[Path]:
    """Give a folder to fill in; at the end it is gone, but for what was renamed out of it."""
    staging.mkdir(parents=True, exist_ok=True)
    sweep(staging)
    folder, lock = _claim(staging)
    try:
        yield folder
    finally:
        # What cannot be removed now, the next writer removes.
        with suppress(OSError):
            _remove(folder)
        os.close(lock)


def sweep(staging: Path) -> None:
    """Remove what writers have left that were killed."""
    for folder in staging.iterdir():
        with suppress(OSError):  # another sweeps it as well, or it is not this user's
            _sweep(folder)


def _sweep(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    else:
        return  # its writer was killed before it had a lock, or notices and makes another
    lock = _try_lock(folder / _LOCK, flags=os.O_RDWR)
    if lock is not None:
        try:
            _remove(folder)
        finally:
            os.close(lock)


def _claim(staging: Path) -> tuple[Path, int]:
    while True:
        folder = staging / uuid.uuid4().hex
        folder.mkdir()
        try:
            lock = _try_lock(folder / _LOCK, flags=os.O_RDWR | os.O_CREAT)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            raise
        if lock is not None:
            return folder, lock


def _try_lock(path: Path, *, flags: int) -> int | None:
    """Return the locked file, or None where another has it or has removed it."""
    try:
        lock = os.open(path, flags, 0o644)
    except FileNotFoundError:
        return None
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(lock, path):
            return lock
    os.close(lock)
    return None


def _remove(folder: Path) -> None:
    """Remove the folder; its lock goes last, so that it is swept where this is cut short."""
    for path in folder.iterdir():
        if path.name != _LOCK:
            remove(path)
    (folder / _LOCK).unlink()
    folder.rmdir()


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that others replace while they hold it, or remove.

    Raises FileNotFoundError where it is not there, or is removed while this waits.
    """
    while True:
        lock = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(lock, path):
                yield
                return
        finally:
            os.close(lock)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def write_durably(path: Path, text: str) -> None:
    """Write a file that everybody may read, and return once the disk has it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Return once the disk has a file's content, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
