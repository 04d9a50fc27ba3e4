from typing import Any

import click

from scoredock import service
from scoredock.deployment import context_folder, deployment, plan, with_edits
from scoredock.options import EDITED, IMAGE, LOCKED, SPEC, with_options
from scoredock.output import note, progress, warn


@click.command()
@with_options(SPEC, IMAGE, EDITED, [LOCKED])
@click.option(
    "--reproducible",
    is_flag=True,
    help="Locked, and the same source makes the same digest, which is printed as well.",
)
@click.option("--no-cache", is_flag=True, help="Run every step; for --reproducible.")  # fmt: skip
def build(verbose: bool, locked: bool, reproducible: bool, no_cache: bool, **values: Any) -> None:
    """Build the image and print its name.

    That is: render, write the build context, run BuildKit. A rendered file that was edited by hand,
    beside the spec or in the context, is neither used nor lost unasked: say --as-is or --force.
    """
    if no_cache and not reproducible:
        raise click.UsageError("--no-cache is for --reproducible")
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=note)
    lock = None
    if locked or reproducible:
        from scoredock import locking, verify  # a plain build needs neither

        lock = locking.usable_lock(wanted, planned)
    context = context_folder(planned.code)
    planned = with_edits(wanted, planned, context=context, warn=warn, note=note)
    with progress("building") as report:
        if lock and reproducible:
            image = service.image_name(wanted, planned.code)
            digest = verify.build_reproducibly(
                wanted, planned, lock, tag=image, no_cache=no_cache, report=report, verbose=verbose
            )
            print(f"{image}\n{digest}")
        else:
            print(service.build_image(wanted, planned, report=report, verbose=verbose, lock=lock))
