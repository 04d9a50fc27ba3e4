"""Turn what Pydantic found into one line each, in the spelling of the user's file."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

# Pydantic's error types, and what a person calls the type that was expected.
_EXPECTED = {
    "string_type": "str",
    "bool_type": "bool",
    "int_type": "int",
    "dict_type": "object",
    "model_type": "object",
    "tuple_type": "list",
    "union_tag_not_found": 'a package or {"pip": [...]}',
    "scalar_type": "str, number, bool or null",
    "missing": "a value",
}
_FOUND = {dict: "object", type(None): "null"}


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Return the path, as `python.condaDependencies.dependencies[1]`, and the message."""
    problem = error.errors()[0]
    expected = _EXPECTED.get(problem["type"])
    if expected is None:
        return dotted(problem["loc"]), problem["msg"]
    found = "nothing" if problem["type"] == "missing" else _kind(problem["input"])
    return dotted(problem["loc"]), f"expected {expected}, found {found}"


def _kind(value: Any) -> str:
    return _FOUND.get(type(value), type(value).__name__)


def dotted(location: tuple[int | str, ...]) -> str:
    """Join a location; parts in angle brackets name a union's member and are not the user's."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<"):
            path += f".{part}" if path else part
    return path


def unknown_keys(
    section: BaseModel, where: Callable[[str], str] = str, path: str = ""
) -> Iterator[str]:
    """Yield a line for each key that the format does not have, with the nearest one it has.

    `where` gives the place of a path in the user's file.
    """
    known = {field.alias or name: name for name, field in type(section).model_fields.items()}
    for key in section.model_extra or {}:
        near = get_close_matches(key, known, n=1, cutoff=0.5)
        nearest = f" (the nearest known one is {near[0]!r})" if near else ""
        yield f"{where(f'{path}.{key}' if path else key)}: unknown key, ignored{nearest}"
    for alias, name in known.items():
        inner = f"{path}.{alias}" if path else alias
        value = getattr(section, name)
        items = enumerate(value) if isinstance(value, tuple) else []
        for index, item in items:
            if isinstance(item, BaseModel):
                yield from unknown_keys(item, where, f"{inner}[{index}]")
        if isinstance(value, BaseModel):
            yield from unknown_keys(value, where, inner)
