"""What a template may print: every name, its type and its meaning, read from the classes."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import jinja2
from jinja2.filters import FILTERS

from scoredock.render import GIVEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name, as `env.name`; `env.pip_packages[].replaced` is one of each item of a list."""

    name: str
    type: str
    meaning: str


def list_names() -> list[Name]:
    """Return every name that a template may print, in the order of the classes."""
    return [name for root, given in GIVEN.items() for name in _names_of(given, root)]


def list_filters(templates: jinja2.Environment) -> list[tuple[str, str]]:
    """Return the filters that are not Jinja's own, and what each is for."""
    own = templates.filters.keys() - FILTERS.keys()
    return [(name, _first_line(templates.filters[name])) for name in sorted(own)]


def _names_of(given: type, root: str) -> Iterator[Name]:
    hints, meanings = get_type_hints(given), _meanings(given)
    for field in fields(given):
        name, kind = f"{root}.{field.name}", hints[field.name]
        yield Name(name=name, type=_type_name(kind), meaning=meanings[field.name])
        for item in get_args(kind):
            if isinstance(item, type) and is_dataclass(item):
                yield from _names_of(item, f"{name}[]")
    for name, value in vars(given).items():
        if isinstance(value, property):
            kind = get_type_hints(value.fget)["return"]
            yield Name(name=f"{root}.{name}", type=_type_name(kind), meaning=_first_line(value))


def _meanings(given: type) -> dict[str, str]:
    """Return the line below each field, which Python itself forgets."""
    body = ast.parse(textwrap.dedent(inspect.getsource(given))).body[0]
    meanings = {}
    for field, text in zip(body.body, body.body[1:], strict=False):  # type: ignore[attr-defined]
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            meanings[field.target.id] = ""
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                meanings[field.target.id] = " ".join(str(text.value.value).split())
    return meanings


def _type_name(kind: Any) -> str:
    """Return a type as a person would write it: `tuple[PipPackage, ...]`, `"pip" | "none"`."""
    if get_origin(kind) is Literal:
        return " | ".join(f'"{value}"' for value in get_args(kind))
    return re.sub(r"\b(?:\w+\.)+", "", inspect.formatannotation(kind))


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]
