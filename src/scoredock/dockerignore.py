"""Which files of a folder a .dockerignore leaves out, by the rules of BuildKit.

docker's Python library has them too, but its import takes a fifth of the time of `render --output`,
and it does not tell upper from lower case.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from scoredock.errors import SpecError

IGNORE_FILE = ".dockerignore"

# The parts of a pattern that are no plain text; what follows a backslash is.
_PART = re.compile(r"(?P<any_folders>\*\*/?)|\*|\?|\\.|\[[^\]]*\]|.", re.DOTALL)
_PLAIN_PARTS = {"*": "[^/]*", "?": "[^/]"}


def included_files(folder: Path, patterns: Sequence[str]) -> Iterator[str]:
    """Yield the relative path of every file, and link to a folder, that no pattern leaves out.

    Raises SpecError for a pattern that is none.
    """
    rules = [rule for pattern in patterns if (rule := _rule(pattern))]
    exceptions = any(not leaves_out for leaves_out, _ in rules)
    for parent, folders, files in os.walk(folder):
        inside = os.path.relpath(parent, folder)
        paths = {name: os.path.normpath(f"{inside}/{name}") for name in (*folders, *files)}
        for name in (*files, *(name for name in folders if (Path(parent) / name).is_symlink())):
            if not _left_out(paths[name], rules):
                yield paths[name]
        # What is in a folder that is left out may be taken in again.
        folders[:] = [name for name in folders if exceptions or not _left_out(paths[name], rules)]


def _left_out(path: str, rules: Sequence[tuple[bool, re.Pattern[str]]]) -> bool:
    """Whether the last pattern that matches the file, or a folder that it is in, leaves it out."""
    return next((out for out, pattern in reversed(rules) if pattern.fullmatch(path)), False)


def _rule(line: str) -> tuple[bool, re.Pattern[str]] | None:
    """Return whether it leaves out what it matches, and the pattern; None for what is none."""
    if line.startswith("#") or not line.strip():
        return None
    text = line.strip()
    leaves_out = not text.startswith("!")
    # What is above the folder is not in it: `../x` matches nothing, and `/../x` is `x`.
    path = os.path.normpath(text.removeprefix("!").strip() or ".").lstrip("/")
    if path in ("", "."):  # ignored, as docker's documentation says
        return None
    try:
        # What is in a folder goes the way of the folder.
        return leaves_out, re.compile(_regex(path) + "(?:/.*)?", re.DOTALL)
    except re.error as error:
        raise SpecError(f"expected a pattern, found {text!r}: {error}", path=IGNORE_FILE) from None


def _regex(pattern: str) -> str:
    parts = list(_PART.finditer(pattern))
    return "".join(_translate(part, last=part.end() == len(pattern)) for part in parts)


def _translate(part: re.Match[str], *, last: bool) -> str:
    text = part[0]
    if part["any_folders"]:
        return ".*" if last else "(?:.*/)?"
    if text.startswith("[") and len(text) > 2:
        inside = text[1:-1].replace("\\", "\\\\")
        return f"[{'^' if inside[0] == '^' else ''}{inside.removeprefix('^')}]"
    return _PLAIN_PARTS.get(text) or re.escape(text[-1] if text[0] == "\\" else text)
