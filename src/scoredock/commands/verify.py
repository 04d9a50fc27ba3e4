from typing import Any

import click

from scoredock import locking
from scoredock import verify as verifying
from scoredock.deployment import deployment, plan, with_edits
from scoredock.errors import ScoredockError
from scoredock.options import BUILDING, EDITED, SPEC, with_options
from scoredock.output import note, progress, warn


@click.command()
@click.argument("image")
@with_options(SPEC, BUILDING, EDITED[:1])
def verify(image: str, verbose: bool, **values: Any) -> None:
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
        print("\n".join(lines), flush=True)
        what = ", ".join(line.split(": ")[0] for line in lines)
        raise ScoredockError(
            f"{image} is made from something else: {what}",
            hint="give verify the spec, lock and kit that it was built from",
        )
    with progress("verifying") as report:
        digest, lines = verifying.compare(
            image, wanted, planned, found, report=report, verbose=verbose
        )
    if lines:
        print("\n".join(lines), flush=True)
        raise ScoredockError(
            f"{image} is not what was built now: {len(lines)} differences",
            hint="the lines above name them: of the files in the source folder, or of what a step "
            "of the Dockerfile fetched, one has changed",
        )
    print(digest)
