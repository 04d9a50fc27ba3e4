import difflib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Any, TypeAlias

import click
import jinja2

from scoredock.blocks import TemplateBlock, eject_block, list_blocks, outdated_overrides, uses
from scoredock.context import write_rendered
from scoredock.deployment import deployment, plan
from scoredock.errors import TemplateError
from scoredock.header import short_hash
from scoredock.names import list_filters, list_names
from scoredock.options import JSON, SPEC, TEMPLATES, with_options
from scoredock.output import note, print_json, warn
from scoredock.templates import OUTPUTS, find_overrides, load_templates

# A text of ours, one of the user's, and what each is called.
_Texts: TypeAlias = tuple[str, str, str, str]

_TEMPLATE = click.option(
    "--template",
    type=click.Choice(list(OUTPUTS)),
    help="The template of BLOCK, where several have one of that name.",
)


@click.group()
def templates() -> None:
    """List, show, compare and override the blocks of the templates.

    \b
    What is rendered is made of blocks; a folder of your own replaces those it names:
      scoredock templates list                           what there is
      scoredock templates show system                    one of them, and what it may print
      scoredock templates eject system --templates mine  copy it, to be edited there
      scoredock templates diff --templates mine          what your folder changes
    """


@templates.command("list")
@with_options([TEMPLATES, JSON])
def list_command(templates: Path | None, as_json: bool) -> None:
    """Print each block: its template, where it comes from, its purpose."""
    found = list_blocks(_load(templates))
    if as_json:
        print_json([_data(block) for block in found])
        return
    rows = [
        (block.template, block.shipped.name, str(block.override or "shipped")) for block in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row, block in zip(rows, found, strict=True):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print(f"{cells}  {block.shipped.purpose}")


@templates.command()
@click.argument("block")
@_TEMPLATE
@with_options([TEMPLATES, JSON])
def show(block: str, template: str | None, templates: Path | None, as_json: bool) -> None:
    """Print BLOCK, what overrides it, and every name it may print."""
    loaded = _load(templates)
    found = _find(list_blocks(loaded), block, template)
    printed, filters = uses(found.shipped.text, loaded)
    if as_json:
        own = found.override.block if found.override else None
        texts = {"text": found.shipped.text, "override_text": own.text if own else None}
        print_json({**_data(found), "prints": printed, "filters": filters, **texts})
        return
    print(f"{found.template}, block {found.shipped.name}: {found.shipped.purpose}")
    print(f"it prints: {', '.join(printed) or 'no name'}")
    print(f"through the filters: {', '.join(filters) or 'none'}")
    place = f"{found.path}:{found.shipped.line}"
    print(f"\nshipped: {place}, text {short_hash(found.shipped.text)}\n")
    print(indent(found.shipped.text, "  ") or "  (empty)\n")
    if found.override:
        own = found.override.block
        print(f"overridden: {found.override}\n")
        print(indent(own.text, "  ") if own else "  (a template of its own, without this block)\n")
    print("names that it may print:")
    for name in list_names():
        print(f"  {name.name:<31} {name.type:<27} {name.meaning}")
    print("\nfilters, one of which every value goes through:")
    for filter_name, purpose in list_filters(loaded):
        print(f"  {filter_name:<31} {purpose}")


@templates.command()
@with_options(SPEC, [JSON])
@click.pass_context
def diff(context: click.Context, /, templates: Path | None, as_json: bool, **values: Any) -> None:
    """Print what the overrides change, as a diff of each block.

    With --spec also what they change in the rendered files of that spec.
    """
    folder = _required(templates)
    loaded = _load(folder)
    overridden = [block for block in list_blocks(loaded) if block.override]
    found: list[_Texts] = []
    for template in OUTPUTS:
        found += _block_texts([block for block in overridden if block.template == template])
    if context.get_parameter_source("spec") is not click.core.ParameterSource.DEFAULT:
        wanted = deployment(templates=folder, **values)
        shipped = plan(replace(wanted, templates=None), warn=warn, note=note).rendered
        # What there is to warn of has been said above.
        changed = plan(wanted, warn=lambda _: None, note=lambda _: None).rendered
        for name in shipped:
            names = (f"{name} as shipped", f"{name} with {folder}")
            found.append((shipped[name], changed[name], *names))
    if as_json:
        print_json([{"shipped": name, "own": own, "diff": _diff(ours, theirs, name, own)}
                    for ours, theirs, name, own in found])  # fmt: skip
        return
    for ours, theirs, name, own in found:
        _print_diff(ours, theirs, name, own)


@templates.command()
@click.argument("block")
@_TEMPLATE
@with_options([TEMPLATES, JSON])
def eject(block: str, template: str | None, templates: Path | None, as_json: bool) -> None:
    """Copy BLOCK into the folder --templates, to be edited there.

    The copy overrides the shipped block; it goes into the template there, which is made where there
    is none. It tells which text it was made from: a warning
    says when a later scoredock ships another one. Prints where the copy is.
    """
    folder = _required(templates)
    loaded = _load(folder if folder.is_dir() and find_overrides(folder) else None)
    found = _find(list_blocks(loaded), block, template)
    path = folder / found.template
    text, line = eject_block(found, path)
    write_rendered({found.template: text}, folder)
    if as_json:
        print_json({"path": str(path), "line": line})
    else:
        print(f"{path}:{line}")


def _data(block: TemplateBlock) -> dict[str, Any]:
    return {
        "template": block.template,
        "block": block.shipped.name,
        "purpose": block.shipped.purpose,
        "shipped": f"{block.path}:{block.shipped.line}",
        "override": str(block.override) if block.override else None,
    }


def _load(folder: Path | None) -> jinja2.Environment:
    loaded = load_templates(folder)
    for line in outdated_overrides(loaded):
        warn(line)
    return loaded


def _required(folder: Path | None) -> Path:
    if folder is None:
        raise TemplateError(
            "no folder of templates is named", hint="pass --templates DIR, or set TEMPLATES_DIR"
        )
    return folder


def _find(blocks: list[TemplateBlock], name: str, template: str | None) -> TemplateBlock:
    found = [
        block
        for block in blocks
        if block.shipped.name == name and template in (None, block.template)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise TemplateError(
            f"both {' and '.join(block.template for block in found)} have a block {name!r}",
            hint="say which with --template",
        )
    known = [block.shipped.name for block in blocks if template in (None, block.template)]
    raise TemplateError(f"no block {name!r}; the blocks are {', '.join(known)}")


def _block_texts(blocks: list[TemplateBlock]) -> Iterator[_Texts]:
    whole = {}
    for block in blocks:
        if block.override and block.override.block:
            ours, theirs = block.shipped.text, block.override.block.text
            name = f"shipped/{block.template} {block.shipped.name}"
            yield ours, theirs, name, str(block.override)
        elif block.override:
            whole[block.override.path] = block
    for path, block in whole.items():
        ours, theirs = block.path.read_text("utf-8"), path.read_text("utf-8")
        yield ours, theirs, f"shipped/{block.template}", str(path)


def _print_diff(ours: str, theirs: str, name: str, other: str) -> None:
    if ours == theirs:
        note(f"{other} says what {name} says")
    for line in _diff(ours, theirs, name, other):
        print(line)


def _diff(ours: str, theirs: str, name: str, other: str) -> list[str]:
    old, new = ours.splitlines(), theirs.splitlines()
    return list(difflib.unified_diff(old, new, name, other, lineterm=""))
