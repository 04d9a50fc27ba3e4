"""What templates are made of: their blocks, what overrides each, and what it was copied from.

A block's purpose is the comment that it begins with. A copy that `scoredock templates eject` made
begins with another one, which tells which text of the shipped block was copied.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import jinja2
from jinja2 import nodes

from scoredock.errors import TemplateError
from scoredock.header import short_hash
from scoredock.sources import read_source, used_names
from scoredock.templates import OUTPUTS, template_errors

_COPIED: Final = re.compile(r"COPIED from shipped/\S+, text (?P<text>[0-9a-f]+)\b")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of one file: `text` is what stands in it below the comments at its beginning."""

    name: str
    line: int
    text: str
    comments: tuple[str, ...] = ()

    @cached_property
    def purpose(self) -> str:
        """The comment that the block begins with, in one line; empty where there is none."""
        return next((text for text in self.comments if not _COPIED.match(text)), "")

    @cached_property
    def copied_text(self) -> str:
        """The hash of the shipped text that it was copied from; empty where nothing tells it."""
        copies = (_COPIED.match(text) for text in self.comments)
        return next((copy["text"] for copy in copies if copy), "")


@dataclass(frozen=True, kw_only=True)
class Override:
    """What takes the place of a shipped block: a block, or a file that replaces all of them."""

    path: Path
    block: Block | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.block.line}" if self.block else f"{self.path} as a whole"


@dataclass(frozen=True, kw_only=True)
class TemplateBlock:
    """A shipped block of `template` and what overrides it, if anything does."""

    template: str
    path: Path
    shipped: Block
    override: Override | None = None

    @property
    def outdated(self) -> bool:
        """Whether the shipped block has another text than when the override was copied from it."""
        block = self.override and self.override.block
        return bool(block and block.copied_text not in ("", short_hash(self.shipped.text)))


def list_blocks(templates: jinja2.Environment) -> list[TemplateBlock]:
    """Return every shipped block, in the order of the templates.

    Raises TemplateError for a template that cannot be parsed.
    """
    return [block for template in OUTPUTS for block in _template_blocks(templates, template)]


def outdated_overrides(templates: jinja2.Environment) -> list[str]:
    """Return a warning for each override whose shipped block has changed since it was copied."""
    return [
        f"{block.override}: the shipped block {block.shipped.name!r} has changed since it was "
        f"copied: `scoredock templates diff` shows both; once they agree, write "
        f"{short_hash(block.shipped.text)} into the comment there"
        for block in list_blocks(templates)
        if block.outdated
    ]


def uses(text: str, templates: jinja2.Environment) -> tuple[list[str], list[str]]:
    """Return the names that a block's text prints or tests, as `env.name`, and the filters."""
    tree = templates.parse(text)
    return sorted(used_names(tree)), sorted({node.name for node in tree.find_all(nodes.Filter)})


def eject_block(block: TemplateBlock, path: Path) -> tuple[str, int]:
    """Return the text of the user's template `path` with a copy of the block, and the copy's line.

    Nothing is written. Raises TemplateError where something overrides the block already.
    """
    if block.override:
        raise TemplateError(
            f"{block.override} overrides {block.shipped.name!r} already",
            hint="edit it there; `scoredock templates show` prints the shipped text beside it",
        )
    if path.parent.resolve() == block.path.parent.resolve():
        raise TemplateError(
            f"{path.parent} is the folder of the shipped templates", hint="name one of your own"
        )
    source = f'{{% extends "shipped/{block.template}" %}}\n'
    if path.is_file():
        source = path.read_text(encoding="utf-8")
        source = source if source.endswith("\n") else f"{source}\n"
    source += "\n"
    copy = (
        f"{{% block {block.shipped.name} %}}\n"
        f"{{# COPIED from shipped/{block.template}, text {short_hash(block.shipped.text)}: "
        "a warning tells when that changes. #}\n"
        f"{block.shipped.text}{{% endblock %}}\n"
    )
    return source + copy, source.count("\n") + 1


def _template_blocks(templates: jinja2.Environment, template: str) -> Iterator[TemplateBlock]:
    with template_errors(template):
        shipped, path, _ = _load(templates, f"shipped/{template}")
        overrides = _overrides(templates, template, path)
        found = {
            block.name: Override(path=place, block=block)
            # What stands later in the chain is extended, and gives way.
            for place, source in reversed(overrides.files)
            for block in find_blocks(source, templates)
        }
        whole = Override(path=overrides.files[-1][0]) if overrides.replace_all else None
        for block in find_blocks(shipped, templates):
            yield TemplateBlock(
                template=template,
                path=path,
                shipped=block,
                override=found.get(block.name, whole),
            )


@dataclass(frozen=True, kw_only=True)
class _Overrides:
    """The user's files for one template, each extended by the one before it."""

    files: tuple[tuple[Path, str], ...]
    replace_all: bool
    """The last one extends nothing."""


def _overrides(templates: jinja2.Environment, template: str, shipped: Path) -> _Overrides:
    files: list[tuple[Path, str]] = []
    name: str | None = template
    while name is not None:
        source, path, parent = _load(templates, name)
        if path.samefile(shipped) or path in (known for known, _ in files):
            return _Overrides(files=tuple(files), replace_all=False)
        files.append((path, source))
        name = parent
    return _Overrides(files=tuple(files), replace_all=True)


def _load(templates: jinja2.Environment, name: str) -> tuple[str, Path, str | None]:
    """Return a template's text, where it lies, and the name of what it extends."""
    source, path = read_source(templates, name)
    extends = templates.parse(source, name, path).find(nodes.Extends)
    parent = extends.template if extends else None
    return source, Path(path), parent.value if isinstance(parent, nodes.Const) else None


def find_blocks(source: str, templates: jinja2.Environment) -> list[Block]:
    """Return the blocks of a template's text, by the places of Jinja's own tokens."""
    found: list[Block] = []
    # The blocks that have begun: name, line, and where each one's text begins.
    begun: list[tuple[str, int, int]] = []
    words: list[str] = []
    end = tag = 0
    for line, kind, value in templates.lex(source):
        # What the lexer strips, and leaves out of its tokens, is white space.
        start = source.index(value, end)
        end = start + len(value)
        if kind == "block_begin":
            words, tag = [], start
        elif kind == "name":
            words.append(value)
        elif kind == "block_end" and words[:1] == ["block"]:
            begun.append((words[1], line, end))
        elif kind == "block_end" and words[:1] == ["endblock"]:
            name, first, begin = begun.pop()
            comments, text = _leading_comments(source[begin:tag], templates)
            found.append(Block(name=name, line=first, text=text, comments=comments))
    return sorted(found, key=lambda block: block.line)


def _leading_comments(text: str, templates: jinja2.Environment) -> tuple[tuple[str, ...], str]:
    """Return the comments that a block begins with, each in one line, and what follows them."""
    comments: list[str] = []
    end = rest = 0
    for _, kind, value in templates.lex(text):
        start = text.index(value, end)
        end = start + len(value)
        if kind == "comment":
            comments.append(" ".join(value.split()))
        elif kind == "comment_end":
            rest = end
        elif kind != "comment_begin" and value.strip():
            break
    return tuple(comments), text[rest:]
