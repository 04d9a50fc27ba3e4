"""The text of every generated file. Pure: the same input always gives the same text."""

import traceback
from dataclasses import dataclass, fields

import jinja2

from scoredock.errors import TemplateError
from scoredock.resolve import ResolvedEnvironment
from scoredock.spec import GENERATED, SPEC_FILE
from scoredock.templates import OUTPUTS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringCode:
    """Where the entry script lies: `source_name` is its folder's name, `entry_script` within."""

    source_name: str
    entry_script: str


def render(
    env: ResolvedEnvironment, code: ScoringCode, templates: jinja2.Environment
) -> dict[str, str]:
    """Return the text of every output file, by name.

    Raises TemplateError, with the template's line, for a name that is not defined.
    """
    return {output: _render_one(templates, name, env, code) for name, output in OUTPUTS.items()}


def _render_one(
    templates: jinja2.Environment, name: str, env: ResolvedEnvironment, code: ScoringCode
) -> str:
    try:
        text = templates.get_template(name).render(env=env, code=code)
    except jinja2.TemplateNotFound as error:
        raise TemplateError(f"{name}: no template {error.name!r} in the search path") from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{error.name}:{error.lineno}: {error.message}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{name}, or what it includes, is not UTF-8: {error}") from error
    except RecursionError as error:
        raise TemplateError(
            f"{name} extends or includes itself", hint=f'extend "shipped/{name}" instead'
        ) from error
    except TypeError as error:  # a filter that was given a list, say
        raise TemplateError(f"{_place(error)}: {error}") from error
    except jinja2.UndefinedError as error:
        known = [f"env.{field.name}" for field in fields(ResolvedEnvironment)]
        known += [
            "env.digest",
            "env.summary",
            *(f"code.{field.name}" for field in fields(ScoringCode)),
        ]
        raise TemplateError(
            f"{_place(error)}: {error.message}; the names are {', '.join(known)}"
        ) from error
    return f"{GENERATED} from {SPEC_FILE}: edit that, or the template.\n{text}"


def _place(error: Exception) -> str:
    """Return file and line of the template: Jinja rewrites tracebacks to hold them."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next(frame for frame in reversed(frames) if frame.filename.endswith(".j2"))
    return f"{frame.filename}:{frame.lineno}"
