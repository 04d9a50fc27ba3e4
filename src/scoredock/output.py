"""What people read beside a command's result: warnings, notes, progress, errors."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from scoredock.errors import EngineError, ScoredockError, SpecError, presentable
from scoredock.masking import masked


def print_error(error: ScoredockError) -> None:
    """Print what is wrong, with what led to it before and what to do about it after."""
    for line in error.warnings if isinstance(error, SpecError) else ():
        warn(line)
    if isinstance(error, EngineError):
        for line in error.log:
            print(f"  | {masked(line)}", file=sys.stderr)
        if error.command:
            print(f"   ran: {masked(' '.join(error.command))}", file=sys.stderr)
    print(f"error: {masked(str(error))}", file=sys.stderr)
    if error.hint:
        print(f" hint: {error.hint}", file=sys.stderr)


def warn(line: str) -> None:
    """Print what may be a mistake."""
    print(f"warning: {presentable(line)}", file=sys.stderr)


def print_json(data: Any) -> None:
    """Print a command's result for programs."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, each as wide as its widest cell; cells may quote a user's text."""
    rows = [[presentable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def note(line: str) -> None:
    """Print what was chosen where nothing was asked for."""
    print(f"note: {presentable(line)}", file=sys.stderr)


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str], None]]:
    """Give a function that prints a line of progress; on a terminal something keeps moving."""
    from rich.console import Console  # takes long to import

    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    with console.status(doing):
        yield lambda line: console.print(f"==> {masked(line)}", markup=False)
