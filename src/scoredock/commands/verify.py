from typing import Any

import click

from scoredock import locking
from scoredock import verify as verifying
from scoredock.deployment import deployment, plan
from scoredock.errors import ScoredockError
from scoredock.options import BUILDING, SPEC, with_options
from scoredock.output import note, progress, warn


@click.command()
@click.argument("image")
@with_options(SPEC, BUILDING)
def verify(image: str, verbose: bool, **values: Any) -> None:
    """Tell whether an image is what the spec, the lock and the source make.

    IMAGE is built again, without any cache, and compared. Prints its digest where it is the
    same; else each file that differs and in what, and the exit status is 1. It has to be one of
    `scoredock build --reproducible`.
    """
    wanted = deployment(image=image, **values)
    planned = plan(wanted, warn=warn, note=note)
    found = locking.usable_lock(wanted, planned)
    with progress("verifying") as report:
        digest, lines = verifying.compare(
            image, wanted, planned, found, report=report, verbose=verbose
        )
    if lines:
        print("\n".join(lines), flush=True)
        raise ScoredockError(
            f"{image} is not what was built now: {len(lines)} differences",
            hint="where every file has another time, it was built without --reproducible",
        )
    print(digest)
