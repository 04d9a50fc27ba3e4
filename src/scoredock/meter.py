"""How far a long copy has come, told every few seconds."""

import time
from collections.abc import Callable
from typing import Final

_EVERY_SECONDS: Final = 5
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


class Meter:
    """Counts bytes and tells `report` what there is of `total`, with the time since it was made."""

    def __init__(self, total: int, report: Callable[[str], None]) -> None:
        self._total, self._report = total, report
        self._began = self._told = time.monotonic()
        self._done = 0

    def add(self, count: int) -> None:
        """Count some more bytes."""
        self._done += count
        if time.monotonic() - self._told >= _EVERY_SECONDS:
            self._told = time.monotonic()
            self._report(f"{size_text(self._done)} of {size_text(self._total)}, {self.elapsed}")

    @property
    def elapsed(self) -> str:
        """The time until now, as in `3.1 s`."""
        return f"{time.monotonic() - self._began:.1f} s"


def size_text(size: float) -> str:
    """Return bytes as people read them: `3.3 kB`."""
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
