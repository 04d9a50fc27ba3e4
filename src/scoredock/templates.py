"""The one Jinja environment: where templates come from and what they may use."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jinja2
import yaml
from jinja2 import nodes

from scoredock.apt import MOUNTS
from scoredock.dockerfile import mount_for_apt
from scoredock.errors import SpecError, TemplateError
from scoredock.paths import TEMPLATES
from scoredock.resolve import VARIABLE_NAME

# What is rendered, by the name of its template.
OUTPUTS: Final = {
    "Dockerfile.j2": "Dockerfile",
    "conda_dependencies.yml.j2": "conda_dependencies.yml",
    "compose.service.yaml.j2": "compose.service.yaml",
}
# What most packages are: YAML reads it as text, and needs no writer to know.
_PINNED: Final = re.compile(r"[a-zA-Z][\w-]*==[0-9.]+", flags=re.ASCII)
# What Docker's parser reads in double quotes, and the backslashes that a quote follows.
_SPECIAL: Final = re.compile(r'(?P<before_quote>\\+)(?="|\Z)|["\\$]')
_HINT: Final = "templates/README.md lists every template, block and name"


def load_templates(overrides: Path | None = None, shipped: Path = TEMPLATES) -> jinja2.Environment:
    """Look in `overrides` first, then in `shipped`, which is also under `shipped/`.

    The prefix is what lets an override extend the template that it replaces. Raises TemplateError
    for an override that would be ignored: a file or a block whose name is not a shipped one.
    """
    base = jinja2.FileSystemLoader(shipped)
    loaders: list[jinja2.BaseLoader] = [jinja2.PrefixLoader({"shipped": base}), base]
    if overrides is not None:
        loaders.insert(0, jinja2.FileSystemLoader(overrides))
    templates = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Dockerfile and YAML, not HTML
    )
    templates.filters |= {
        "comment": comment,
        "compose": compose_value,
        "dockerfile_lines": dockerfile_lines,
        "dockerfile_quote": dockerfile_quote,
        "shell_quote": shell_quote,
        "variable_name": variable_name,
        "yaml": yaml_scalar,
        "json": json_text,
    }
    if overrides is not None:
        _check_overrides(overrides, templates)
    return templates


@contextmanager
def template_errors(name: str) -> Iterator[None]:
    """Turn what Jinja raises for the template `name` into a TemplateError that says where."""
    try:
        yield
    except jinja2.TemplateNotFound as error:
        raise TemplateError(f"{name}: no template {error.name!r} in the search path") from error
    except jinja2.TemplateSyntaxError as error:
        place = f"{error.filename or error.name}:{error.lineno}"
        raise TemplateError(f"{place}: {error.message}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{name}, or what it includes, is not UTF-8: {error}") from error
    except RecursionError as error:
        raise TemplateError(
            f"{name} extends or includes itself", hint=f'extend "shipped/{name}" instead'
        ) from error


def dockerfile_quote(value: str) -> str:
    """Quote for ENV, ARG and LABEL, so that Docker's parser gives back `value` unchanged.

    Raises TemplateError for a line break, which Docker's parser has no way to write.
    """
    if re.search(r"[\r\n]", value):
        raise TemplateError(f"a line break cannot be written into a Dockerfile: {value!r}")
    return f'"{_SPECIAL.sub(_escape, value)}"'


def _escape(special: re.Match[str]) -> str:
    text = "".join(f"\\{character}" for character in special[0])
    # hadolint 2.15 takes a quote that follows an escaped backslash for an escaped one, and so does
    # not find the end; Docker joins the parts.
    return f'"{text}"' if special["before_quote"] else text


def dockerfile_lines(value: str) -> str:
    """Print instructions; a RUN that names apt gets the mounts for the network's apt mirrors."""
    try:
        return mount_for_apt(value, MOUNTS, place="Dockerfile.j2: instructions")
    except SpecError as error:
        raise TemplateError(str(error), hint=error.hint) from error


def compose_value(value: Any) -> str:
    """Write a value into a compose file, where `$` would begin a variable."""
    return json_text(value).replace("$", "$$")


def variable_name(value: str) -> str:
    """Refuse what would be more than the name of a variable."""
    if not VARIABLE_NAME.fullmatch(value):
        raise TemplateError(f"expected the name of a variable, found {value!r}")
    return value


def shell_quote(value: str) -> str:
    """Quote for a word of a RUN line."""
    return shlex.quote(value)


def yaml_scalar(value: str) -> str:
    """Write a YAML scalar that is read back as the same text."""
    if _PINNED.fullmatch(value):
        return value
    # Line and paragraph separators survive only where they are escaped.
    text: str = yaml.safe_dump(value, allow_unicode=value.isprintable(), width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def json_text(value: Any) -> str:
    """Write JSON; what it stands in needs quotes of its own."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def comment(value: str) -> str:
    """Keep a value on the line of the comment that it stands in."""
    return " ".join(value.split())


def find_overrides(folder: Path) -> list[str]:
    """Return the names of the templates in a folder, but of those that others include."""
    return sorted(path.name for path in folder.glob("*.j2") if not path.name.startswith("_"))


def _check_overrides(overrides: Path, templates: jinja2.Environment) -> None:
    if not overrides.is_dir():
        raise TemplateError(f"no template folder at {overrides}")
    found = find_overrides(overrides)
    unknown = [name for name in found if name not in OUTPUTS]
    if unknown or not found:
        raise TemplateError(
            f"{overrides}: expected {' or '.join(OUTPUTS)}, "
            f"found {', '.join(unknown) or 'neither'}",
            hint="a file that templates include has a name that begins with an underscore",
        )
    for name in found:
        blocks = templates.get_template(f"shipped/{name}").blocks
        for block in sorted(_override_blocks(overrides / name, templates) - set(blocks)):
            raise TemplateError(
                f"{overrides / name}: no block {block!r} in shipped/{name}; "
                f"its blocks are {', '.join(blocks)}",
                hint=_HINT,
            )


def _override_blocks(path: Path, templates: jinja2.Environment) -> set[str]:
    """Return the blocks that stand at the top of a template that extends another.

    Jinja drops those that its parent does not have; blocks inside them are its own.
    """
    try:
        body = templates.parse(path.read_text(encoding="utf-8")).body
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: not UTF-8: {error}") from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{path}:{error.lineno}: {error.message}") from error
    if not any(isinstance(node, nodes.Extends) for node in body):
        return set()
    for part in (part for node in body if isinstance(node, nodes.Output) for part in node.nodes):
        if not isinstance(part, nodes.TemplateData) or part.data.strip():
            raise TemplateError(
                f"{path}:{part.lineno}: text outside of every block would be lost",
                hint="put it into a block; {{ super() }} keeps what the shipped block holds",
            )
    return {node.name for node in body if isinstance(node, nodes.Block)}
