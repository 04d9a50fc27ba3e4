from typing import Any

import click

from scoredock.deployment import deployment, plan
from scoredock.doctor import examine
from scoredock.errors import ScoredockError
from scoredock.options import BASE_IMAGE, BUILD_IMAGE, LISTEN, NETWORK, SPEC, with_options
from scoredock.output import warn


@click.command()
@with_options(SPEC, [BASE_IMAGE, BUILD_IMAGE], NETWORK, LISTEN)
def doctor(base_image: str, build_image: str, bind: str, port: int, **values: Any) -> None:
    """Tell what this machine has and lacks for serving.

    Each lack comes with its remedy.
    """
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=lambda _: None)
    lacking = 0
    for finding in examine(
        base_image=(planned.env.base_argument and base_image) or planned.env.base_image,
        build_image=planned.env.build_image and (build_image or planned.env.build_image),
        bind=bind,
        port=port,
        python_version=planned.env.python_version,
        network=wanted.network,
        ca_file=wanted.ca_file,
    ):
        lacking += not finding.ok
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<16} {finding.found}")
        if finding.remedy:
            print(f"{'':<23}{finding.remedy}")
    if lacking:
        raise ScoredockError(f"{lacking} of these need attention for the docker runtime")
