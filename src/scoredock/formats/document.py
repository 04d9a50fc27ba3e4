"""A file as it was parsed, and one clear line for every way in which it cannot be."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoredock.errors import SpecError
from scoredock.formats.yaml_text import MOST_LEVELS, parse_yaml, parse_yaml_documents

# The largest of 643 real conda files has 9 KB, a file of pins with hashes some hundred.
_MOST_BYTES = 500_000
_PLACEHOLDER = re.compile(r"\{\{[^{}\n]*\}\}")
_MERGE_MARKER = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """The content of one file; `label` is what messages call it."""

    path: Path
    label: str
    text: str
    data: Any
    warnings: tuple[str, ...] = ()

    def beside(self, name: str) -> Path:
        """Return the path of what this file calls `name`."""
        return self.path.parent / name


def label_of(path: Path, main: Path) -> str:
    """Return what messages call a file: its path from the folder of the main file on."""
    try:
        return str(path.relative_to(main.parent))
    except ValueError:
        return os.path.normpath(path)


def read_text(path: Path, *, hint: str = "") -> str:
    """Return the text of a file; raises SpecError where it is not there, too large or no text."""
    try:
        if path.is_file() and path.stat().st_size > _MOST_BYTES:
            raise SpecError(
                f"expected a spec, found {path.stat().st_size / 1e6:.1f} MB", path=str(path)
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SpecError("not found", path=str(path), hint=hint) from None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in the path
        raise SpecError(f"cannot be read: {error}", path=str(path)) from error
    if marker := _MERGE_MARKER.search(text):
        raise SpecError(
            "a merge conflict that is not resolved",
            path=f"{path}:{_line(text, marker.start())}",
            hint="keep one of the two sides and remove the lines of < = and >",
        )
    return text


def read_document(path: Path, *, label: str = "", hint: str = "") -> Document:
    """Return a JSON (by its suffix) or YAML file, parsed; raises SpecError."""
    text = read_text(path, hint=hint)
    with _telling_templates(text, path):
        data, repeated = (
            _parse_json(text, path) if path.suffix == ".json" else parse_yaml(text, path)
        )
    label = label or path.name
    return Document(path, label, text, data, _repeated(label, repeated))


def read_documents(path: Path) -> list[Document]:
    """Return each document of a file, of which YAML may hold several; raises SpecError.

    Empty ones, as behind a last line of `---`, are left out.
    """
    if path.suffix == ".json":
        return [read_document(path)]
    text = read_text(path)
    with _telling_templates(text, path):
        found, repeated = parse_yaml_documents(text, path)
    warnings = _repeated(path.name, repeated)
    labels = [path.name] + [f"{path.name} document {number}" for number in range(2, len(found) + 1)]
    return [
        Document(path, label, text, data, () if index else warnings)
        for index, (label, data) in enumerate(zip(labels, found, strict=False))
        if data is not None
    ]


@contextmanager
def _telling_templates(text: str, path: Path) -> Iterator[None]:
    """Name the placeholder: what is to be filled in first is seldom valid YAML or JSON."""
    try:
        yield
    except SpecError as error:
        if placeholder := _PLACEHOLDER.search(text):
            place = f"{path}:{_line(text, placeholder.start())}"
            raise placeholder_error(placeholder[0], place) from error
        raise


def _repeated(label: str, keys: list[str]) -> tuple[str, ...]:
    return tuple(f"{label}: {key}: stands there twice, the last one is read" for key in keys)


def placeholder_error(found: str, place: str) -> SpecError:
    """Return the error for a template that is not filled in."""
    return SpecError(
        f"the placeholder {found} is not filled in",
        path=place,
        hint="the file is a template: replace what stands in double braces by its value",
    )


def refuse_placeholders(texts: Iterable[tuple[str, str]]) -> None:
    """Raise SpecError for the first (place, text) that is a template not filled in."""
    for place, text in texts:
        if found := _PLACEHOLDER.search(text):
            raise placeholder_error(found[0], place)


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _is_deep(data: Any) -> bool:
    """Tell whether lists and objects are nested deeper than any spec's."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MOST_LEVELS):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _parse_json(text: str, path: Path) -> tuple[Any, list[str]]:
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        counted = Counter(name for name, _ in items)
        repeated.extend(name for name, count in counted.items() if count > 1)
        return dict(items)

    try:
        data = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        before = text[: error.pos].rstrip()
        comma = before.endswith(",") or text[error.pos : error.pos + 1] == ","
        raise SpecError(
            f"not JSON: {error.msg}",
            path=f"{path}:{error.lineno}:{error.colno}",
            hint="JSON has no comma before a closing brace: remove it"
            if comma
            else "line and column are where the parser gave up: look there and just before it",
        ) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        raise SpecError(f"not JSON that can be read: {error}", path=str(path)) from None
    if _is_deep(data):
        raise SpecError("not JSON that can be read: nested too deep", path=str(path))
    return data, repeated
