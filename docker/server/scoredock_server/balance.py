"""How many connections each worker of a server has, in memory that they share."""

import mmap
import os
import struct
from typing import Optional

_SLOTS = 512
_SLOT = struct.Struct("=qq")  # a worker's process, and its connections or one of these:
_STARTING = -1
_BUSY = -2
_STUCK = -3


class Shares:
    """The slots of a server's workers: made in the master, before any of them is forked."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _SLOT.size)

    def claim(self) -> Optional["Share"]:
        """Return a free slot, or None where there is none. In the master, for a worker to come."""
        for index in range(_SLOTS):
            pid, connections = self.read(index)
            if pid and (connections == _STARTING or _is_alive(pid)):
                continue
            self.write(index, os.getpid(), _STARTING)
            return Share(self, index)
        return None

    def read(self, index: int) -> "tuple[int, int]":
        """Return a slot's process, 0 for none, and its connections."""
        pid, connections = _SLOT.unpack_from(self._memory, index * _SLOT.size)
        return pid, connections

    def write(self, index: int, pid: int, connections: int) -> None:
        """Fill a slot."""
        _SLOT.pack_into(self._memory, index * _SLOT.size, pid, connections)

    def least(self, but: int) -> Optional[int]:
        """Return the fewest connections of a worker that could take one, other than `but`."""
        found = None
        for index in range(_SLOTS):
            pid, connections = self.read(index)
            if not pid:
                break
            if index != but and connections >= 0 and (found is None or connections < found):
                found = connections
        return found

    def others_accept(self, but: int) -> bool:
        """Tell whether a worker other than `but` will accept, be it after what it is busy with."""
        for index in range(_SLOTS):
            pid, connections = self.read(index)
            if not pid:
                break
            if index != but and connections not in (_STARTING, _STUCK) and _is_alive(pid):
                return True
        return False


class Share:
    """A worker's own slot."""

    def __init__(self, shares: Shares, index: int) -> None:
        self._shares = shares
        self._index = index
        self._pid = 0

    def set(self, connections: int) -> None:
        """Say how many connections this worker has."""
        self._pid = self._pid or os.getpid()
        self._shares.write(self._index, self._pid, connections)

    def close(self) -> None:
        """Leave it to the others to accept."""
        self.set(_BUSY)

    def give_up(self) -> bool:
        """Say that this worker does not get on; return whether others accept."""
        self.set(_STUCK)
        return self._shares.others_accept(self._index)

    def is_anothers(self, connections: int) -> bool:
        """Tell whether another worker has fewer connections than these, and could take one."""
        least = self._shares.least(self._index)
        return least is not None and least < connections


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
