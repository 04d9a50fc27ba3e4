import sys
from typing import Any

import click

from scoredock import locking
from scoredock import verify as verifying
from scoredock.deployment import deployment, plan, with_edits
from scoredock.errors import ScoredockError
from scoredock.options import BUILDING, EDITED, JSON, SPEC, with_options
from scoredock.output import note, print_json, progress, warn


@click.command()
@click.argument("image")
@with_options(SPEC, BUILDING, EDITED[:1], [JSON])
def verify(image: str, verbose: bool, as_json: bool, **values: Any) -> None:
    """Tell whether an image is what the spec, the lock and the source make.

    IMAGE is built again, without any cache, and compared. Prints its digest where it is the
    same; else each file that differs and in what, or what it was made from that is another now,
    and the exit status is 1. It has to be one of `scoredock build --reproducible`; without the
    lock that it was built from, or where that is stale, the exit status is 4.
    """
    wanted = deployment(image=image, **values)
    planned = plan(wanted, warn=warn, note=note)
    found = locking.usable_lock(wanted, planned)
    planned = with_edits(wanted, planned, context=None, warn=warn, note=note)
    if lines := verifying.look_at(image, planned, found):
        _print(image, "", lines, as_json)
        what = ", ".join(line.split(": ")[0] for line in lines)
        raise ScoredockError(
            f"{image} is made from something else: {what}",
            hint="give verify the spec, lock and kit that it was built from",
        )
    with progress("verifying") as report:
        digest, lines = verifying.compare(
            image, wanted, planned, found, report=report, verbose=verbose
        )
    _print(image, digest, lines, as_json)
    if lines:
        raise ScoredockError(
            f"{image} is not what was built now: {len(lines)} differences",
            hint="the lines above name them: of the files in the source folder, or of what a step "
            "of the Dockerfile fetched, one has changed",
        )


def _print(image: str, digest: str, lines: list[str], as_json: bool) -> None:
    """Print the differences or, where there is none, the digest."""
    if as_json:
        print_json({"image": image, "same": not lines, "digest": digest, "differences": lines})
    else:
        print("\n".join(lines or [digest]))
    sys.stdout.flush()
