"""Commands that copy a registered model or compare it."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from scoredock import exchange, model_folders, registry, stored
from scoredock.commands.model_lines import print_id, print_path
from scoredock.completion import complete_model
from scoredock.errors import ScoredockError, presentable
from scoredock.models import Model
from scoredock.options import FOLDER, JSON, WORKSPACE, with_options
from scoredock.output import print_json, progress
from scoredock.workspace import Workspace, find_workspace

_REFERENCE = click.argument("reference", metavar="NAME[:VERSION]", shell_complete=complete_model)


@click.command()
@_REFERENCE
@click.option(
    "--target-dir", type=FOLDER, default=Path(), show_default=True, help="Folder to put it in."
)
@click.option("--force", is_flag=True, help="Replace what has its name there.")
@with_options([WORKSPACE, JSON])
def download(
    reference: str, target_dir: Path, force: bool, workspace: Path | None, as_json: bool
) -> None:
    """Copy a version out of the workspace and print where the copy is."""
    found = registry.find(find_workspace(workspace), reference)
    with progress("downloading") as report:
        path = stored.download(found, target_dir, exist_ok=force, report=report)
    print_path(found, path, as_json)


@click.command()
@click.argument(
    "references", metavar="[NAME[:VERSION]]...", nargs=-1, shell_complete=complete_model
)
@with_options([WORKSPACE, JSON])
def verify(references: tuple[str, ...], workspace: Path | None, as_json: bool) -> None:
    """Compare the files of versions with what was registered; of all without arguments.

    Prints a line for each file that is missing, extra or changed; then the exit status is 1.
    """
    where = find_workspace(workspace)
    with progress("verifying") as report:
        found = {
            each.id: stored.verify(each, report=report) for each in _selected(where, references)
        }
    if as_json:
        print_json([{"id": name, "ok": not each, **asdict(each)} for name, each in found.items()])
    else:
        for name, each in found.items():
            for line in each.lines() or ["ok"]:
                print(presentable(f"{name}: {line}"))
    sys.stdout.flush()
    if damaged := [name for name, each in found.items() if each]:
        raise ScoredockError(
            f"not as registered: {', '.join(damaged)}",
            hint="import or register it again: what is stored is not mended",
        )


@click.command()
@_REFERENCE
@click.argument("file", type=FOLDER, required=False)
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@with_options([WORKSPACE, JSON])
def export(
    reference: str, file: Path | None, force: bool, workspace: Path | None, as_json: bool
) -> None:
    """Write a version with all that is known of it into one file.

    Without FILE it is NAME-VERSION.tar here. The same version gives the same bytes.
    """
    found = registry.find(find_workspace(workspace), reference)
    target = file or Path(f"{found.name}-{found.version}.tar")
    with progress("exporting") as report:
        exchange.export_version(found, target, overwrite=force, report=report)
    print_path(found, target, as_json)


@click.command("import")
@click.argument("path", type=FOLDER)
@click.option("--name", default="", help="Its name; that of the file or folder without it.")
@with_options([WORKSPACE, JSON])
def import_command(path: Path, name: str, workspace: Path | None, as_json: bool) -> None:
    """Register what `model export` wrote, an MLflow model, or a folder of loose files.

    PATH is that file or folder. The framework comes from the flavors of an MLflow model, or from
    suffixes that only one framework has, as .onnx. Every hash of a file that was exported is
    checked before there is a version.
    """
    where = find_workspace(workspace)
    with progress("importing") as report:
        if path.is_dir():
            made = model_folders.import_folder(where, path, name=name, report=report)
        else:
            made = exchange.import_version(where, path, name=name, report=report)
    print_id(made, as_json)


def _selected(where: Workspace, references: tuple[str, ...]) -> list[Model]:
    if references:
        return [registry.find(where, reference) for reference in references]
    return list(registry.all_models(where))
