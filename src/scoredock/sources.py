"""What a rendered file is made from: the texts of its template, and the values that they use."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import jinja2
from jinja2 import meta, nodes

# The names of what templates are given; see render.py.
ROOTS: Final = ("env", "code")


@dataclass(frozen=True, slots=True)
class Sources:
    """A template, with all that it extends, includes or imports."""

    template: jinja2.Template
    texts: tuple[str, ...]
    """Without the templates' own comments, which leave no trace in what is printed."""
    names: frozenset[str]
    """What is used of what templates are given, as `env.name`."""


def load_sources(templates: jinja2.Environment, name: str) -> Sources:
    """Return the template `name`; it is parsed once, as that is most of the work."""
    text, tree, path = _parse(templates, name)
    texts, names = [text], used_names(tree)
    waiting, known = _references(templates, tree), {name}
    while waiting:
        other = waiting.pop(0)
        if other in known:
            continue
        known.add(other)
        with suppress(jinja2.TemplateNotFound):  # rendering finds out whether that matters
            text, included, _ = _parse(templates, other)
            texts.append(text)
            names |= used_names(included)
            waiting += _references(templates, included)
    # Last, because compiling changes the tree.
    code = templates.compile(tree, name, path)
    template = templates.template_class.from_code(templates, code, templates.make_globals(None))
    return Sources(template, tuple(texts), frozenset(names))


def _parse(templates: jinja2.Environment, name: str) -> tuple[str, nodes.Template, str]:
    source, path = read_source(templates, name)
    code = (value for _, kind, value in templates.lex(source) if "comment" not in kind)
    return "".join(code), templates.parse(source, name, path), path


def _references(templates: jinja2.Environment, tree: nodes.Template) -> list[str]:
    """Return the names of what a template refers to; all there are where only rendering tells."""
    found = list(meta.find_referenced_templates(tree))
    every = templates.list_templates(extensions=["j2"]) if None in found else []
    return [*filter(None, found), *every]


def read_source(templates: jinja2.Environment, name: str) -> tuple[str, str]:
    """Return a template's text and where it lies."""
    if templates.loader is None:
        raise TypeError("templates come from load_templates, which sets a loader")
    source, path, _ = templates.loader.get_source(templates, name)
    return source, path or name


def used_names(tree: nodes.Template) -> set[str]:
    """Return what a template uses of what it is given: `env.name`, or `env` where it takes all."""
    whole = [node for node in tree.find_all(nodes.Name) if node.name in ROOTS]
    fields = {
        id(node.node): f"{node.node.name}.{node.attr}"
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name)
    }
    return {fields.get(id(node), node.name) for node in whole}
