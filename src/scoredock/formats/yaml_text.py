"""YAML as its writers mean it: numbers keep their spelling, and nothing unfolds into gigabytes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from yaml.nodes import MappingNode, ScalarNode
from yaml.resolver import BaseResolver

from scoredock.errors import SpecError

try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: the same, slower
    from yaml import composer, parser, reader, scanner

    class CParser(reader.Reader, scanner.Scanner, parser.Parser, composer.Composer):  # type: ignore[no-redef]
        """The same parser in Python."""

        def __init__(self, stream: str) -> None:
            reader.Reader.__init__(self, stream)
            scanner.Scanner.__init__(self)
            parser.Parser.__init__(self)
            composer.Composer.__init__(self)


_Parsed = TypeVar("_Parsed")
# Far above any spec, far below what hurts: levels of nesting, and nodes once aliases are unfolded.
MOST_LEVELS = 50
_MOST_NODES = 200_000
# Only null and true and false: `3.10`, `1_000`, `yes` and `2021-03-21` stay the text they are.
_IMPLICIT = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:merge", r"^(?:<<)$", ["<"]),
)


class _Loader(CParser, SafeConstructor, BaseResolver):
    """Keys are text, too; those that stand twice in one mapping are remembered."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        SafeConstructor.__init__(self)
        BaseResolver.__init__(self)
        self.repeated: list[str] = []

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; the last of two equal keys counts, as in PyYAML."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key that is no text", key.start_mark)
            if key.tag != "tag:yaml.org,2002:merge":
                key.tag = "tag:yaml.org,2002:str"
                if key.value in seen:
                    self.repeated.append(key.value)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _letters in _IMPLICIT:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _letters)
# A spec holds text, null, true and false, lists and mappings; !!timestamp and its like are refused.
_Loader.yaml_constructors = {
    tag: SafeConstructor.yaml_constructors[tag]
    for tag in (
        *(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "str", "seq", "map")),
        None,
    )
}


def parse_yaml(text: str, path: Path) -> tuple[Any, list[str]]:
    """Return the one document of a YAML text, and the keys that stand in it twice.

    Raises SpecError, with line and column, for what is not YAML or unfolds beyond measure.
    """
    return _parsed(text, path, lambda loader: loader.get_single_data())


def parse_yaml_documents(text: str, path: Path) -> tuple[list[Any], list[str]]:
    """Return every document of a YAML text, and the keys that stand in one of them twice.

    Raises SpecError as parse_yaml does.
    """

    def documents(loader: _Loader) -> list[Any]:
        found = []
        while loader.check_data():  # type: ignore[no-untyped-call]
            found.append(loader.get_data())
        return found

    return _parsed(text, path, documents)


def _parsed(text: str, path: Path, get: Callable[[_Loader], _Parsed]) -> tuple[_Parsed, list[str]]:
    try:
        _refuse_bombs(text, path)
        loader = _Loader(text)
        try:
            return get(loader), sorted(set(loader.repeated))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        line = text.split("\n")[mark.line] if mark and mark.line < text.count("\n") + 1 else ""
        hint = "indent with blanks, not with tabs" if "\t" in line else ""
        raise SpecError(f"not YAML: {error.problem}", path=where, hint=hint) from error
    except (yaml.YAMLError, LookupError) as error:  # LookupError: `!!bool maybe`
        raise SpecError(f"not YAML: {' '.join(str(error).split())}", path=str(path)) from error


def _refuse_bombs(text: str, path: Path) -> None:
    """Count what aliases stand for before anything is built of it."""
    open_nodes: list[tuple[str | None, int]] = []
    sizes: dict[str, int] = {}
    total = 0
    loader = _Loader(text)
    while loader.check_event():
        event = loader.get_event()
        if event is None:
            return
        if isinstance(event, CollectionStartEvent):
            open_nodes.append((event.anchor, total))
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before
        if isinstance(event, AliasEvent) and any(event.anchor == name for name, _ in open_nodes):
            raise SpecError("not YAML that can be read: it holds itself", path=_at(path, event))
        if isinstance(event, NodeEvent):
            total += 1 + (sizes.get(event.anchor or "", 0) if isinstance(event, AliasEvent) else 0)
        if len(open_nodes) > MOST_LEVELS or total > _MOST_NODES:
            what = "nested too deep" if len(open_nodes) > MOST_LEVELS else "too large"
            raise SpecError(f"not YAML that can be read: {what}", path=_at(path, event))


def _at(path: Path, event: yaml.Event) -> str:
    mark = event.start_mark
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
