"""Divide the cores that the server may use among its workers, for the numeric libraries.

Each of them starts a thread per core of the machine, in each worker, and the threads of all workers
then fight for the cores: several times slower than one thread each. They read how many to start
from the environment when they are loaded, which is why it is set before the script is.
"""

import os
from typing import Iterator, MutableMapping, Optional, Tuple

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def share_cores(
    environ: MutableMapping[str, str], workers: int, cores: Optional[int] = None
) -> str:
    """Set VARIABLES to each worker's share of the cores, and return a line that says so.

    Empty, and nothing is set, where a person or the image has set one of them, or where one worker
    has the whole machine.
    """
    if any(environ.get(name) for name in VARIABLES):
        return ""
    usable = cores or usable_cores()
    if workers == 1 and usable >= (os.cpu_count() or 1):
        return ""
    share = str(max(1, usable // workers))
    environ.update(dict.fromkeys(VARIABLES, share))
    return (
        "Numeric libraries use {0} of {1} core(s) in each of {2} worker(s):"
        " OMP_NUM_THREADS={0} and the like are set".format(share, usable, workers)
    )


def usable_cores(root: str = "/") -> int:
    """Return how many cores this process may keep busy: by its affinity and its cgroup's quota.

    The part of a core that a quota may have is left for what is no numeric library.
    """
    try:
        most = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        most = os.cpu_count() or 1
    return max(1, min([most] + [int(quota) for quota in _quotas(root)]))


def _quotas(root: str) -> Iterator[float]:
    """Yield the cores of each quota that holds for this process: its groups' and their parents'."""
    for controllers, path in _groups(root):
        mount = os.path.join(root, "sys/fs/cgroup", controllers)
        # In a container the path may be the host's, where only the mount itself is to be seen.
        while True:
            folder = os.path.join(mount, path)
            words = _words(os.path.join(folder, "cpu.max"))  # version 2: QUOTA PERIOD
            if not words:
                words = _words(os.path.join(folder, "cpu.cfs_quota_us"))
                words += _words(os.path.join(folder, "cpu.cfs_period_us"))
            if len(words) == 2 and words[0].isdigit() and int(words[1]):  # not max, not -1
                yield int(words[0]) / int(words[1])
            if not path:
                break
            path = os.path.dirname(path)


def _groups(root: str) -> Iterator[Tuple[str, str]]:
    """Yield the folder below /sys/fs/cgroup and the path in it of each group that limits cores."""
    try:
        with open(os.path.join(root, "proc/self/cgroup"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            yield controllers, path.strip("/")


def _words(path: str) -> "list[str]":
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []
