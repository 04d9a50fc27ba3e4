from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from scoredock.context import write_context, write_rendered
from scoredock.deployment import deployment, plan, with_edits
from scoredock.edits import THREE_WAYS, Rendered, find_rendered, refuse_foreign
from scoredock.errors import ScoredockError
from scoredock.header import differences
from scoredock.masking import masked
from scoredock.options import EDITED, FOLDER, SPEC, with_options
from scoredock.output import note, warn


@click.command()
@with_options(SPEC, EDITED)
@click.option("--output", type=FOLDER, help="Write a whole build context into this folder.")
@click.option("--check", is_flag=True, help="Write nothing; fail where the files differ.")
def render(output: Path | None, check: bool, **values: Any) -> None:
    """Render the Dockerfile and conda_dependencies.yml from the spec.

    Without --output they are written beside the spec. With it the folder gets everything that
    `docker build` needs, and can be carried to another machine. A file that was edited by hand is
    not overwritten unless --force is given; --as-is takes it into --output, or leaves it.
    """
    wanted = deployment(**values)
    fresh = plan(wanted, warn=warn, note=note)
    folder = output or wanted.folder
    if check:
        _check_rendered(fresh.rendered, folder)
        return
    if output is None and not wanted.as_is:
        refuse_foreign(folder, fresh.rendered)
    planned = with_edits(wanted, fresh, context=output, warn=warn, note=note)
    if output is not None:
        context = write_context(
            output,
            planned.rendered,
            wanted.source,
            leave_out=wanted.models,
            base_context=planned.base_context,
        )
        print(context)
        return
    anew = {name: text for name, text in fresh.rendered.items() if planned.rendered[name] == text}
    refuse_foreign(folder, anew)
    write_rendered(anew, folder)
    for name in anew:
        print(folder / name)


def _check_rendered(rendered: Mapping[str, str], folder: Path) -> None:
    import difflib  # only here is it worth its time

    refuse_foreign(folder, rendered)
    found = find_rendered(folder, rendered)
    stale = []
    for name, fresh in rendered.items():
        file = found.get(name)
        if file and file.text == fresh:
            continue
        stale.append(f"{name} ({_reason(file, fresh)})")
        lines = difflib.unified_diff(
            file.text.splitlines() if file else [],
            fresh.splitlines(),
            str(folder / name),
            "a fresh render",
            lineterm="",
        )
        print(masked("\n".join(lines)))
    if stale:
        edited = any(file.edited for file in found.values())
        raise ScoredockError(
            f"{folder} differs from a fresh render: {', '.join(stale)}",
            hint=THREE_WAYS if edited else "run scripts/render and commit what it writes",
        )


def _reason(file: Rendered | None, fresh: str) -> str:
    """Return why a file is not what it would be now."""
    if file is None:
        return "not there"
    if file.edited:
        return "edited by hand"
    changed = differences(file.text, fresh=fresh)
    return f"another {' and '.join(changed)}" if changed else "another header"
