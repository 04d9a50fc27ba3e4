from pathlib import Path

import click

from scoredock.canonical import canonical_context, canonical_files, write_canonical
from scoredock.formats import read
from scoredock.options import FOLDER
from scoredock.output import note, warn


@click.command()
@click.argument("path", type=FOLDER)
@click.option("--output", type=FOLDER, required=True, help="Folder to write; it is made.")
def convert(path: Path, output: Path) -> None:
    """Write an environment of any form as the folder that the reference SDK saves.

    That is azureml_environment.json with conda_dependencies.yml and, where the image is built from
    a Dockerfile, BaseDockerfile beside it with the files that it takes. PATH is what `scoredock
    inspect` reads. Nothing is lost but comments and a registry's credentials; a folder written so
    is written again byte for byte.
    """
    reading = read(path)
    base_context = canonical_context(reading)
    files, warnings = canonical_files(reading.spec)
    for line in (*reading.warnings, *warnings):
        warn(line)
    told = reading.told
    for option, value in (("--source", told.source), ("--entry-script", told.entry_script)):
        if value:
            note(f"an environment does not hold {value!r}: pass it with {option}")
    write_canonical(output, files, base_context=base_context)
    for name in files:
        print(output / name)
