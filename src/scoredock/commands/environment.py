from pathlib import Path
from typing import Any

import click

from scoredock import environments
from scoredock.canonical import canonical_context
from scoredock.completion import complete_environment
from scoredock.environments import Environment
from scoredock.formats import read
from scoredock.options import FOLDER, JSON, WORKSPACE, with_options
from scoredock.output import note, print_json, print_table, warn
from scoredock.workspace import find_workspace

_REFERENCE = click.argument(
    "reference", metavar="NAME[:VERSION]", shell_complete=complete_environment
)


@click.group()
def environment() -> None:
    """Register environments in the workspace, list, show, download and delete them.

    \b
    A version is a folder as the reference SDK saves it, and can be served as one:
      scoredock environment register my-env/          prints tutorial-env:1
      scoredock environment list
      scoredock environment download tutorial-env --output edited/
    """


@environment.command()
@click.argument("path", type=FOLDER)
@click.option("--name", default="", help="Its name in the workspace; that of the spec without it.")
@with_options([WORKSPACE, JSON])
def register(path: Path, name: str, workspace: Path | None, as_json: bool) -> None:
    """Register the environment at PATH and print NAME:VERSION.

    PATH is what `scoredock inspect` reads. Where the newest version of the name is the same, that
    is the one, and there is no new version.
    """
    found = find_workspace(workspace)
    reading = read(path)
    for line in reading.warnings:
        warn(line)
    context = canonical_context(reading)
    made = environments.register(found, reading.spec, name=name, base_context=context, warn=warn)
    for value in filter(None, (reading.told.source, reading.told.entry_script)):
        note(f"an environment does not hold {value!r}: it belongs to a service")
    _print(made, as_json)


@environment.command("list")
@click.option("--name", help="Only the versions of this name.", shell_complete=complete_environment)
@click.option("--latest", is_flag=True, help="Only the newest version of each name.")
@with_options([WORKSPACE, JSON])
def list_command(name: str | None, latest: bool, workspace: Path | None, as_json: bool) -> None:
    """Print every version, by name, the oldest first."""
    found = environments.list_environments(find_workspace(workspace), name=name, latest=latest)
    if as_json:
        print_json([_data(each) for each in found])
    elif found:
        print_table([(each.id, f"{each.created:%Y-%m-%d %H:%M}") for each in found])
    else:
        note("no environment")


@environment.command()
@_REFERENCE
@with_options([WORKSPACE, JSON])
def show(reference: str, workspace: Path | None, as_json: bool) -> None:
    """Print where a version is, and its files; `scoredock inspect` tells what it means."""
    found = environments.get(find_workspace(workspace), reference)
    if as_json:
        print_json(_data(found))
        return
    rows = {key: value for key, value in _data(found).items() if key != "files"}
    print_table([*rows.items(), *(("", name) for name in _files(found))])


@environment.command()
@_REFERENCE
@click.option("--output", type=FOLDER, required=True, help="Folder to write; it is made.")
@with_options([WORKSPACE, JSON])
def download(reference: str, output: Path, workspace: Path | None, as_json: bool) -> None:
    """Write a version into a folder, to be edited and registered again."""
    found = environments.get(find_workspace(workspace), reference)
    folder = environments.download(found, output)
    if as_json:
        print_json({"id": found.id, "path": str(folder)})
    else:
        print(folder)


@environment.command()
@click.argument("reference", metavar="NAME:VERSION", shell_complete=complete_environment)
@with_options([WORKSPACE, JSON])
def delete(reference: str, workspace: Path | None, as_json: bool) -> None:
    """Delete a version; its number is not given again."""
    if ":" not in reference:
        raise click.BadParameter(f"expected NAME:VERSION, found {reference!r}")
    where = find_workspace(workspace)
    found = environments.get(where, reference)
    data = _data(found)
    environments.delete(where, found)
    if as_json:
        print_json(data)
    else:
        print(found.id)


def _print(found: Environment, as_json: bool) -> None:
    if as_json:
        print_json(_data(found))
    else:
        print(found.id)


def _data(found: Environment) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "version": found.version,
        "created": f"{found.created:%Y-%m-%dT%H:%M:%SZ}",
        "folder": str(found.folder),
        "files": _files(found),
    }


def _files(found: Environment) -> list[str]:
    folder = found.folder
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)
