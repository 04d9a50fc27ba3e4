"""The text of every generated file. Pure: the same input always gives the same text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import jinja2

from scoredock.errors import TemplateError
from scoredock.header import add_header, short_hash
from scoredock.resolve import ResolvedEnvironment
from scoredock.sources import ROOTS, load_sources
from scoredock.spec import SPEC_FILE
from scoredock.templates import OUTPUTS, template_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringCode:
    """Where the entry script lies."""

    source_name: str
    """The name that the entry script's folder has in the image."""
    entry_script: str
    """The entry script's path in that folder."""


# What templates may print, by the names that they have there.
GIVEN: Final = dict(zip(ROOTS, (ResolvedEnvironment, ScoringCode), strict=True))


def given_names() -> list[str]:
    """Return every name that a template may print, as `env.name`."""
    return [
        f"{root}.{name}"
        for root, given in GIVEN.items()
        for name in (
            *(field.name for field in fields(given)),
            *(name for name, value in vars(given).items() if isinstance(value, property)),
        )
    ]


def render(
    env: ResolvedEnvironment,
    code: ScoringCode,
    templates: jinja2.Environment,
    *,
    files: Sequence[str] = (SPEC_FILE,),
) -> dict[str, str]:
    """Return the text of every output file, by name; `files` are what the spec was read from.

    Raises TemplateError, with the template's line, for a name that is not defined.
    """
    given = dict(zip(ROOTS, (env, code), strict=True))
    return {output: _render_one(templates, name, given, files) for name, output in OUTPUTS.items()}


def _render_one(
    templates: jinja2.Environment, name: str, given: Mapping[str, Any], files: Sequence[str]
) -> str:
    with template_errors(name):
        sources = load_sources(templates, name)
        try:
            body = sources.template.render(given)
        except TypeError as error:  # a filter that was given a list, say
            raise TemplateError(f"{_place(error)}: {error}") from error
        except jinja2.UndefinedError as error:
            names = ", ".join(given_names())
            raise TemplateError(
                f"{_place(error)}: {error.message}; the names are {names}"
            ) from error
    spec = _hash_values(sources.names, given)
    template = short_hash("\0".join(sources.texts))
    return add_header(body, spec=spec, template=template, files=files)


def _hash_values(names: frozenset[str], given: Mapping[str, Any]) -> str:
    """Return a hash of what a template uses, and of nothing else.

    A variable that changes leaves conda_dependencies.yml as it is, and so the cached layer that
    was made from it.
    """
    values = {}
    for name in sorted(names):
        root, _, attribute = name.partition(".")
        if root in given:
            values[name] = getattr(given[root], attribute, None) if attribute else given[root]
    return short_hash(json.dumps(values, sort_keys=True, default=_plain))


def _plain(given: Any) -> dict[str, Any]:
    # dataclasses.asdict copies every value, which takes ten times as long.
    return {field.name: getattr(given, field.name) for field in fields(given)}


def _place(error: Exception) -> str:
    """Return file and line of the template: Jinja rewrites tracebacks to hold them."""
    import traceback  # only for what goes wrong is it worth its time

    frames = traceback.extract_tb(error.__traceback__)
    frame = next(frame for frame in reversed(frames) if frame.filename.endswith(".j2"))
    return f"{frame.filename}:{frame.lineno}"
