from typing import Any

import click

from scoredock import service
from scoredock.options import IMAGE, SPEC, with_options
from scoredock.output import note, progress, warn
from scoredock.service import deployment


@click.command()
@with_options(SPEC, IMAGE)
def build(verbose: bool, **values: Any) -> None:
    """Build the image and print its name.

    That is: render, write the build context, run BuildKit.
    """
    wanted = deployment(**values)
    planned = service.plan(wanted, warn=warn, note=note)
    with progress("building") as report:
        print(service.build_image(wanted, planned, report=report, verbose=verbose))
