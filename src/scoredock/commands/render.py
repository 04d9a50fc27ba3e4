import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from scoredock import service
from scoredock.context import write_context, write_rendered
from scoredock.errors import ScoredockError, SpecError
from scoredock.options import FOLDER, SPEC, with_options
from scoredock.output import note, warn
from scoredock.service import deployment
from scoredock.spec import GENERATED


@click.command()
@with_options(SPEC)
@click.option("--output", type=FOLDER, help="Write a whole build context into this folder.")
@click.option("--check", is_flag=True, help="Write nothing; fail where the files differ.")
def render(output: Path | None, check: bool, **values: Any) -> None:
    """Render the Dockerfile and conda_dependencies.yml from the spec.

    Without --output they are written beside the spec. With it the folder gets everything that
    `docker build` needs, and can be carried to another machine.
    """
    wanted = deployment(**values)
    planned = service.plan(wanted, warn=warn, note=note)
    if output is not None and not check:
        print(write_context(output, planned.rendered, wanted.source, leave_out=wanted.models))
        return
    folder = output or wanted.spec
    for path in (folder / name for name in planned.rendered):
        if path.is_file() and not path.read_bytes().startswith(GENERATED.encode()):
            raise SpecError(
                "scoredock did not write this file and would overwrite it",
                path=str(path),
                hint="name another folder with --output",
            )
    if check:
        _check_rendered(planned.rendered, folder)
        return
    write_rendered(planned.rendered, folder)
    for name in planned.rendered:
        print(folder / name)


def _check_rendered(rendered: Mapping[str, str], folder: Path) -> None:
    stale = []
    for name, text in rendered.items():
        path = folder / name
        old = path.read_text("utf-8") if path.is_file() else ""
        if old != text:
            stale.append(name)
            lines = difflib.unified_diff(
                old.splitlines(), text.splitlines(), str(path), "a fresh render", lineterm=""
            )
            print("\n".join(lines))
    if stale:
        raise ScoredockError(
            f"{' and '.join(stale)} in {folder} differ from a fresh render",
            hint="run scripts/render and commit what it writes",
        )
