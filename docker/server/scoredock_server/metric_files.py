"""Where the workers' metrics lie: files in memory that each worker writes and any one can read.

A worker takes the lowest number that no other has, and holds its lock for life. One that takes the
place of another goes on with that one's files: no count is lost, and there are never more files
than workers. Even after a kill the lock is free.
"""

import atexit
import fcntl
import glob
import os
import shutil
import tempfile
from contextlib import suppress
from typing import Dict, List, Optional

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_BEFORE_0_10 = "prometheus_multiproc_dir"
_PREFIX = "scoredock-metrics-"

# What prometheus-client makes its files of at first.
_SIZE = 65536

_held: List[int] = []
_number: Dict[int, int] = {}


def prepare() -> None:
    """Make the folder, empty, before the workers are forked; what no server uses is removed."""
    folder = _memory() or tempfile.gettempdir()
    for left in glob.glob(os.path.join(folder, _PREFIX + "*")):
        lock = _lock(os.path.join(left, "owner"))
        if lock is not None:
            os.close(lock)
            shutil.rmtree(left, ignore_errors=True)
    own = tempfile.mkdtemp(prefix=_PREFIX, dir=folder)
    # The workers have the lock too: the folder is in use until the last one ends.
    take_over(own, _lock(os.path.join(own, "owner"), create=True) or 0)


def take_over(own: str, lock: int) -> None:
    """Have a folder, and the lock of its owner."""
    _held.append(lock)
    os.environ[VARIABLE] = os.environ[_BEFORE_0_10] = own
    atexit.register(_remove, own, os.getpid())


def lock() -> Optional[int]:
    """Return the lock of the folder that prepare() has made, for the next owner."""
    return _held[0] if folder() and _held else None


def _memory() -> str:
    """Return a folder in memory, or nothing.

    Not /dev/shm first: it is small in a container, and a script that fills it would be no one to
    share it with.
    """
    try:
        with open("/proc/mounts", encoding="utf-8", errors="replace") as file:
            mounts = {line.split()[1] for line in file if line.split()[2] == "tmpfs"}
    except OSError:
        return ""
    wanted = (tempfile.gettempdir(), "/dev/shm")  # noqa: S108 - with a folder of our own in it
    found = (each for each in wanted if each in mounts and os.access(each, os.W_OK))
    return next(found, "")


def _remove(own: str, pid: int) -> None:
    if os.getpid() == pid:  # not in the workers, which are forked with this
        shutil.rmtree(own, ignore_errors=True)


def folder() -> str:
    """Return the folder that prepare() has made, or nothing."""
    found = os.environ.get(VARIABLE, "")
    return found if os.path.basename(found).startswith(_PREFIX) else ""


def has(path: str) -> bool:
    """Tell whether a file is one of that folder's."""
    own = folder()
    return bool(own) and os.path.dirname(path) == own


def worker_number() -> int:
    """Return this process's number: it names its files."""
    pid = os.getpid()
    if pid not in _number:
        _number.clear()  # of the process that this one was forked from
        number = 1
        lock = _lock(_path(number), create=True)
        while lock is None:
            number += 1
            lock = _lock(_path(number), create=True)
        _held.append(lock)
        _forget_gauges(number)
        _reserve(number)
        _number[pid] = number
    return _number[pid]


def count_start() -> None:
    """Count a worker that begins to serve."""
    path = _path(worker_number())
    count = _count(path) + 1
    with open(path, "w", encoding="ascii") as file:
        file.write(str(count))


def starts() -> int:
    """Return how many workers have begun to serve since the server's start."""
    return sum(map(_count, glob.glob(_path("*"))))


def forget_the_dead() -> None:
    """Remove what workers that have ended said of the moment: how many requests they had."""
    for path in glob.glob(_path("*")):
        lock = _lock(path)
        if lock is not None:
            _forget_gauges(int(path.rpartition("-")[2]))
            os.close(lock)


def _path(number: object) -> str:
    return os.path.join(folder(), "worker-{}".format(number))


def _count(path: str) -> int:
    with open(path, encoding="ascii") as file:
        return int(file.read() or 0)


def _forget_gauges(number: int) -> None:
    for path in glob.glob(os.path.join(folder(), "gauge_live*_{}.db".format(number))):
        os.remove(path)


def _reserve(number: int) -> None:
    """Take the room that the files need: where it is missing later, a write kills the process."""
    for kind in ("counter", "histogram", "gauge_livesum"):
        path = os.path.join(folder(), "{}_{}.db".format(kind, number))
        with suppress(OSError), open(path, "ab") as file:
            os.posix_fallocate(file.fileno(), 0, _SIZE)


def _lock(path: str, *, create: bool = False) -> Optional[int]:
    """Return a descriptor that holds the lock of a file, or None where another process does."""
    try:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
