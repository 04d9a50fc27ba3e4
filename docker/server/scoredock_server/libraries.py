"""Import ahead what the next server will need: the libraries of the one that serves.

An entry script is loaded in a blink; what it imports takes seconds. So the process that will be the
next server imports, while nobody waits, the modules that the current one has, but none of the
script's own. Where that would not be the same as a script that is loaded in a fresh process, it is
not done: where the script sets variables, which libraries read as they are imported, where one of
its modules has a library's name, where threads were started, and where memory is short.
"""

import hashlib
import importlib
import json
import os
import sys
import threading
from contextlib import suppress
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Set

# Of cgroup 2 and 1: the memory that this container may use, and that it uses.
_LIMITS = [
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
]


class Imported(NamedTuple):
    """What a server has imported that is not the script's own, and what that did to its variables.

    `variables` is a digest: their values are nobody else's business.
    """

    modules: List[str]
    variables: str


class Variables:
    """Watches what becomes of the process's variables from its making on."""

    def __init__(self) -> None:
        self._before = dict(os.environ)

    def changes(self) -> Dict[str, Optional[str]]:
        """Return those that have changed, by name; None for one that is gone."""
        now = dict(os.environ)
        names = set(self._before) | set(now)
        return {name: now.get(name) for name in names if now.get(name) != self._before.get(name)}


class Libraries:
    """What this process has imported ahead: nothing, until it has been told to."""

    def __init__(self) -> None:
        self._modules: Set[str] = set()
        self._changes: Dict[str, Optional[str]] = {}

    def import_ahead(self, imported: Imported) -> bool:
        """Import what another server has; return whether a server can be made of this process."""
        known, variables = set(sys.modules), Variables()
        with _Quiet():
            for name in imported.modules:
                # Whatever it raises: the script imports it again, and is told.
                with suppress(BaseException):
                    importlib.import_module(name)
        self._modules = set(sys.modules) - known
        self._changes = variables.changes()
        return _digest(self._changes) == imported.variables and threading.active_count() == 1

    def hides(self, folders: Iterable[str]) -> bool:
        """Tell whether a module of these folders has the name of one that was imported ahead."""
        tops = {name.partition(".")[0] for name in self._modules}
        places = [os.path.join(folder, top) for folder in folders for top in tops]
        return any(os.path.isdir(place) or os.path.exists(place + ".py") for place in places)

    def begin(self) -> Variables:
        """Begin to load a script: be as random as a fresh process."""
        random = sys.modules.get("numpy.random") if self._modules else None
        if random is not None:
            random.seed()
        return Variables()

    def imported(self, variables: Variables, folders: Iterable[str]) -> Optional[Imported]:
        """Return what is imported once the script has run its init(), for the next server.

        None where that is to be started again in a fresh process: the script has set variables
        after its libraries had been imported.
        """
        changes = variables.changes()
        if self._modules and changes:
            return None
        return Imported(_not_below(folders), _digest(dict(self._changes, **changes)))


def memory_is_short() -> bool:
    """Tell whether more than half of what this container may use is in use."""
    for limit_file, usage_file, stat_file in _LIMITS:
        with suppress(OSError, ValueError):
            limit, usage = int(_read(limit_file)), int(_read(usage_file))
            # Of files that were read: given back as soon as somebody needs it.
            counts = dict(line.split() for line in _read(stat_file).splitlines())
            cache = int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))
            return usage - cache > limit / 2
    return False


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


def _digest(changes: Mapping[str, Optional[str]]) -> str:
    text = json.dumps(changes, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _not_below(folders: Iterable[str]) -> List[str]:
    """Return the names of all modules, in the order of their imports, but those below `folders`."""
    below = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)
    names = []
    is_below: Dict[str, bool] = {}
    for name, module in list(sys.modules.items()):
        origin: Any = getattr(getattr(module, "__spec__", None), "origin", None)
        if not isinstance(origin, str):
            continue
        folder = os.path.dirname(origin)
        if folder not in is_below:
            is_below[folder] = os.path.join(os.path.realpath(folder), "").startswith(below)
        if not is_below[folder]:
            names.append(name)
    return names


class _Quiet:
    """Throws away what is written meanwhile: the server that serves has written it before."""

    def __enter__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._kept = [os.dup(1), os.dup(2)]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *_: Any) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, kept in zip((1, 2), self._kept):
            os.dup2(kept, number)
            os.close(kept)
