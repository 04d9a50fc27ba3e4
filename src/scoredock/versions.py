"""Numbered folders that many processes add to: NAME/1, NAME/2 …, for models and environments.

A version appears with one rename of a folder that was filled elsewhere, so that there is all of it
or nothing. Where the number is taken, rename refuses (a folder that holds something is never
replaced) and the next one is tried: no gaps, nothing doubled, whoever is killed when.

Every version has one file of a known name. A version is deleted by renaming that to `deleted`,
which needs no space, keeps the record and lets the number be taken for ever; the rest is removed
then, or by the next who finds it.
"""

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scoredock import storage
from scoredock.errors import NotFoundError, WorkspaceError

DELETED: Final = "deleted"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_NUMBER: Final = re.compile(r"[1-9][0-9]*")


def check_name(name: str, kind: str) -> str:
    """Return the name. Raises WorkspaceError where nothing may be called that."""
    if not _NAME.fullmatch(name):
        raise WorkspaceError(
            f"expected the name of {kind} to be 1 to 255 letters, digits and . _ - that begin with "
            f"a letter or digit, found {name!r}"
        )
    return name


def split_reference(reference: str, version: int | str | None = None) -> tuple[str, int | None]:
    """Return name and version of `NAME` or `NAME:VERSION`; None is the newest.

    Raises WorkspaceError where the version is no number, or `version` is another.
    """
    name, colon, written = reference.partition(":")
    if colon and version is not None and written != str(version):
        raise WorkspaceError(f"{reference}: expected one version, found {version} as well")
    found = written if colon else version
    if found is None:
        return name, None
    if not _NUMBER.fullmatch(str(found)):
        raise WorkspaceError(f"{name}: expected a version as in {name}:1, found {str(found)!r}")
    return name, int(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStore:
    """All that is of one kind in a workspace."""

    folder: Path
    staging: Path
    kind: str
    """What messages call one: `a model`."""
    main: str
    """The file that every version has."""

    def names(self) -> list[str]:
        """Return the names that have a version, in order."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        names = sorted(path.name for path in found if _NAME.fullmatch(path.name))
        return [name for name in names if self.numbers(name)]

    def numbers(self, name: str) -> list[int]:
        """Return the versions of a name, the oldest first."""
        return [number for number in self._taken(name) if self._is_live(name, number)]

    def place(self, name: str, number: int) -> Path:
        """Return the folder of a version, whether or not it is there."""
        return self.folder / name / str(number)

    def find(self, name: str, number: int | None = None) -> Path:
        """Return the folder of a version, of the newest without a number; or NotFoundError."""
        there = self.numbers(check_name(name, self.kind))
        if there and number in (None, *there):
            return self.place(name, there[-1] if number is None else number)
        if there:
            raise NotFoundError(
                f"{self.folder}: {name} has no version {number}",
                hint=f"its versions are {_ranges(there)}",
            )
        raise self.not_found(name)

    def not_found(self, name: str) -> NotFoundError:
        """Return the error for a name that is not there."""
        names = self.names()
        shown = ", ".join(names[:10]) + (" …" if names[10:] else "")
        return NotFoundError(
            f"{self.folder}: no {self.kind.split()[-1]} {name!r}",
            hint=f"there is {shown}" if names else "nothing is registered yet",
        )

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """Give a folder of this writer's own, on the file system of the store."""
        with storage.staged(self.staging) as folder:
            yield folder

    def publish(
        self,
        name: str,
        prepared: Path,
        *,
        finish: Callable[[int], None],
        is_same: Callable[[Path], bool] = lambda _: False,
    ) -> int:
        """Rename the folder `prepared` into its place and return its number.

        `finish` writes what tells the number, each time that another is tried. Where `is_same`
        says so of the newest version, that one's number is returned and nothing is published.
        """
        taken = self._taken(name)
        self._finish_deletions(name, taken)
        number = taken[-1] if taken else 0
        while True:
            before = self.place(name, number)
            if number and self._is_live(name, number) and is_same(before):
                return number
            number += 1
            finish(number)
            storage.sync(prepared)
            if self._rename(prepared, self.place(name, number)):
                return number

    @contextmanager
    def locked(self, name: str, number: int) -> Iterator[Path]:
        """Give the folder of a version that nobody else changes meanwhile; or NotFoundError."""
        folder = self.find(name, number)
        with ExitStack() as held:
            try:
                held.enter_context(storage.locked(folder / self.main))
            except FileNotFoundError:
                raise NotFoundError(f"{folder}: was deleted meanwhile") from None
            yield folder

    def replace_main(self, folder: Path, text: str) -> None:
        """Replace the main file of a version that is locked."""
        with self.staged() as scratch:
            storage.write_durably(scratch / self.main, text)
            (scratch / self.main).replace(folder / self.main)
        storage.sync(folder)

    def delete(self, name: str, number: int) -> None:
        """Delete a version; its number is never given again. Raises NotFoundError."""
        taken = self._taken(name)
        if number not in taken or not self._finish_deletion(self.place(name, number)):
            with self.locked(name, number) as folder:
                (folder / self.main).rename(folder / DELETED)
                storage.sync(folder)
            self._finish_deletion(folder)
        self._finish_deletions(name, taken)

    def _taken(self, name: str) -> list[int]:
        """Return every number that was given, those of deleted versions too."""
        folder = self.folder / name
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(int(path.name) for path in found if _NUMBER.fullmatch(path.name))

    def _is_live(self, name: str, number: int) -> bool:
        return (self.place(name, number) / self.main).is_file()

    def _rename(self, prepared: Path, target: Path) -> bool:
        """Return whether the name was free."""
        is_new = not target.parent.is_dir()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            prepared.rename(target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                return False
            raise
        storage.sync(target.parent)
        if is_new:
            storage.sync(target.parent.parent)
        return True

    def _finish_deletions(self, name: str, numbers: list[int]) -> None:
        for number in numbers:
            if not self._is_live(name, number):
                self._finish_deletion(self.place(name, number))

    def _finish_deletion(self, folder: Path) -> bool:
        """Remove what a deleted version still holds; return whether there was anything."""
        if (folder / self.main).is_file() or not (folder / DELETED).is_file():
            return False
        rest = [path for path in folder.iterdir() if path.name != DELETED]
        for path in rest:
            try:
                storage.remove(path)
            except FileNotFoundError:  # another does the same
                continue
        return bool(rest)


def _ranges(numbers: list[int]) -> str:
    """Return `1-3, 5`."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)
