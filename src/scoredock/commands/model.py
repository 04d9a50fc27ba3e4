from pathlib import Path
from typing import Any

import click

from scoredock import registry
from scoredock.commands.model_copies import download, export, import_command, verify
from scoredock.commands.model_lines import model_data, model_row, print_all, print_id
from scoredock.completion import complete_model
from scoredock.errors import WorkspaceError
from scoredock.manifest import FRAMEWORKS
from scoredock.options import FOLDER, JSON, WORKSPACE, pairs, with_options
from scoredock.output import note, print_json, print_table, progress, warn
from scoredock.workspace import find_workspace

_REFERENCE = click.argument("reference", metavar="NAME[:VERSION]", shell_complete=complete_model)
_FRAMEWORK = click.option(
    "--framework", type=click.Choice(FRAMEWORKS), default=None, help="What it was trained with."
)


@click.group()
def model() -> None:
    """Register models in the workspace, and all that is done with them there.

    \b
    A model is one file or folder; registered again, it is the next version:
      scoredock model register ridge.pkl --name diabetes --tag area=health
      scoredock model list --latest
      scoredock model download diabetes:1 --target-dir models/
      scoredock model verify diabetes
    """


@model.command()
@click.argument("path", type=FOLDER)
@click.option(
    "--name",
    required=True,
    help="The model's name; its next version is made.",
    shell_complete=complete_model,
)
@click.option("--description", default="", help="A sentence about this version.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    callback=pairs("a tag"),
    metavar="KEY=VALUE",
    help="What can be changed later; as often as you like.",
)
@click.option(
    "--property",
    "properties",
    multiple=True,
    callback=pairs("a property"),
    metavar="KEY=VALUE",
    help="What stays for ever.",
)
@_FRAMEWORK
@click.option("--framework-version", default="", help="The framework's version.")
@click.option(
    "--child-path",
    "child_paths",
    multiple=True,
    metavar="PATH",
    help="Only this file or folder in PATH; as often as you like.",
)
@with_options([WORKSPACE, JSON])
def register(path: Path, workspace: Path | None, as_json: bool, **values: Any) -> None:
    """Copy a file or a folder into the workspace and print NAME:VERSION.

    It keeps its name: an entry script finds it as NAME/VERSION/PATH's last part. Links within a
    folder become what they link to.
    """
    values["framework"] = values["framework"] or ""
    found = find_workspace(workspace)
    with progress("registering") as report:
        made = registry.register(found, path, report=report, **values)
    print_id(made, as_json)


@model.command("list")
@click.option("--name", help="Only the versions of this name.", shell_complete=complete_model)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="KEY[=VALUE]",
    help="Only what has this tag, with this value; as often as you like.",
)
@click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="KEY[=VALUE]",
    help="Only what has this property.",
)
@_FRAMEWORK
@click.option("--latest", is_flag=True, help="Only the newest version of each name.")
@with_options([WORKSPACE, JSON])
def list_command(
    name: str | None,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    framework: str | None,
    latest: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Print the versions of models, by name, the oldest first."""
    found = registry.list_models(
        find_workspace(workspace),
        name=name,
        tags=[_wanted(tag) for tag in tags],
        properties=[_wanted(each) for each in properties],
        framework=framework or "",
        latest=latest,
    )
    if as_json:
        print_json([model_data(each) for each in found])
    elif found:
        print_table([model_row(each) for each in found])
    else:
        note("no model")


@model.command()
@_REFERENCE
@with_options([WORKSPACE, JSON])
def show(reference: str, workspace: Path | None, as_json: bool) -> None:
    """Print all that is known of a version; of the newest without VERSION."""
    found = registry.find(find_workspace(workspace), reference)
    if as_json:
        print_json(model_data(found))
    else:
        print_all(found)


@model.command()
@_REFERENCE
@click.option("--description", help="The new description.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    callback=pairs("a tag"),
    metavar="KEY=VALUE",
    help="A tag to add, or to give another value.",
)
@click.option("--remove-tag", "removed", multiple=True, metavar="KEY", help="A tag to remove.")
@click.option(
    "--property",
    "properties",
    multiple=True,
    callback=pairs("a property"),
    metavar="KEY=VALUE",
    help="A property to add; one that is there stays as it is.",
)
@with_options([WORKSPACE, JSON])
def update(
    reference: str,
    description: str | None,
    tags: dict[str, str],
    removed: tuple[str, ...],
    properties: dict[str, str],
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Change the description and the tags of a version, or add properties."""
    where = find_workspace(workspace)
    found = registry.find(where, reference)
    if properties:  # first, as this may be refused
        found = registry.add_properties(where, found, properties)
    if description is not None:
        found = registry.update(where, found, description=description)
    if removed:
        found = registry.remove_tags(where, found, removed)
    if tags:
        found = registry.add_tags(where, found, tags)
    print_id(found, as_json)


@model.command()
@click.argument("reference", metavar="NAME:VERSION", shell_complete=complete_model)
@click.option("--force", is_flag=True, help="Also while a service mounts it.")
@with_options([WORKSPACE, JSON])
def delete(reference: str, force: bool, workspace: Path | None, as_json: bool) -> None:
    """Delete a version; its number is not given again.

    One that a service serves, or that a rollback of it would, is refused with the service's name.
    """
    if ":" not in reference:
        raise click.BadParameter(f"expected NAME:VERSION, found {reference!r}")
    where = find_workspace(workspace)
    found = registry.find(where, reference)
    from scoredock.webservice.uses import refuse_used, uses_of_model  # slow, and for this alone

    if force:
        for line in uses_of_model(where.folder, found):
            warn(f"{line}: it will not start again")
    else:
        refuse_used(where.folder, found)
    registry.delete(where, found)
    print_id(found, as_json)


def _wanted(text: str) -> registry.Wanted:
    key, equals, value = text.partition("=")
    if not key:
        raise WorkspaceError(f"expected KEY or KEY=VALUE, found {text!r}")
    return (key, value) if equals else key


for _command in (download, verify, export, import_command):
    model.add_command(_command)
