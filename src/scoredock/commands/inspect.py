import json
from dataclasses import replace
from pathlib import Path

import click

from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.inspection import Inspection, error_data, inspection_data, inspection_lines
from scoredock.masking import mask_all
from scoredock.options import FOLDER, INSTALL, JSON, with_options
from scoredock.output import note, warn
from scoredock.packages import InstallerChoice
from scoredock.paths import CONTEXT
from scoredock.resolve import resolve


@click.command()
@click.argument("path", type=FOLDER, default=CONTEXT)
@with_options(INSTALL)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
              show_default=True, help="How to print it.")  # fmt: skip
@with_options([JSON])
def inspect(
    path: Path, installer: InstallerChoice, keep: tuple[str, ...], form: str, as_json: bool
) -> None:
    """Tell what an environment is, what will be made of it and why.

    PATH is a folder or a file: azureml_environment.json with what lies beside it,
    inferenceconfig.json, a .runconfig, a v2 environment or deployment, a conda file,
    requirements.txt, or an MLflow model. Without it the default spec is inspected. Nothing is
    fetched and nothing is written. Exit status 2 where the spec cannot be served, with the reason.
    """
    as_json = as_json or form == "json"
    try:
        reading = read(path)
    except SpecError as error:
        if as_json:
            print(
                json.dumps(
                    mask_all({"error": error_data(error), "warnings": error.warnings}), indent=2
                )
            )
        raise
    found = Inspection(path=path, reading=reading)
    try:
        env, notes = resolve(reading.spec, keep=keep, installer=installer)
        found = replace(found, env=env, notes=tuple(notes))
    except SpecError as error:
        found = replace(found, error=error)
    data = inspection_data(found)
    if as_json:
        print(_printable(json.dumps(data, indent=2, ensure_ascii=False)))
    else:
        print(_printable("\n".join(inspection_lines(data))), flush=True)
        for line in data["warnings"]:
            warn(line)
        for line in data["notes"]:
            note(line)
    if found.error:
        raise found.error


def _printable(text: str) -> str:
    """Write halves of characters, which JSON can hold and no terminal, as JSON does."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
