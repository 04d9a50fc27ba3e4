from pathlib import Path
from typing import Any

import click

from scoredock.options import FOLDER, JSON, WORKSPACE, with_options
from scoredock.output import print_json, print_table
from scoredock.workspace import Workspace, find_workspace, init_workspace


@click.group()
def workspace() -> None:
    """Make the folder of models, environments and services, or show it.

    \b
    It takes the place of the cloud's workspace; the other commands find it by themselves:
      scoredock workspace init                      in the folder of the project
      scoredock workspace init /srv/models          elsewhere: set SCOREDOCK_WORKSPACE then
      scoredock workspace show                      where it is and what it holds
    """


@workspace.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--name", default="", help="What it is called; the folder's name without it.")
@with_options([WORKSPACE, JSON])
def init(folder: Path | None, name: str, workspace: Path | None, as_json: bool) -> None:
    """Make a workspace and print its folder; one that is there stays as it is.

    Without FOLDER it is the one of --workspace, else .scoredock/workspace of the project.
    """
    _print(init_workspace(folder or workspace, name=name), as_json, short=True)


@workspace.command()
@with_options([WORKSPACE, JSON])
def show(workspace: Path | None, as_json: bool) -> None:
    """Print where the workspace is, its name, and how much it holds."""
    _print(find_workspace(workspace), as_json)


def _print(found: Workspace, as_json: bool, *, short: bool = False) -> None:
    data: dict[str, Any] = {"name": found.name, "folder": str(found.folder)}
    for kind, store in (("models", found.models), ("environments", found.environments)):
        names = store.names()
        data[kind] = {"names": len(names), "versions": sum(len(store.numbers(n)) for n in names)}
    if as_json:
        print_json(data)
    elif short:
        print(found.folder)
    else:
        counts = [
            (kind, f"{data[kind]['names']} ({data[kind]['versions']} versions)")
            for kind in ("models", "environments")
        ]
        print_table([("name", found.name), ("folder", str(found.folder)), *counts])
