import sys
from dataclasses import asdict
from typing import Any

import click

from scoredock.deployment import deployment, plan
from scoredock.doctor import examine
from scoredock.errors import ScoredockError
from scoredock.options import BASE_IMAGE, BUILD_IMAGE, JSON, LISTEN, NETWORK, SPEC, with_options
from scoredock.output import print_json, warn


@click.command()
@with_options(SPEC, [BASE_IMAGE, BUILD_IMAGE], NETWORK, LISTEN, [JSON])
def doctor(
    base_image: str, build_image: str, bind: str, port: int, as_json: bool, **values: Any
) -> None:
    """Tell what this machine has and lacks for serving.

    Each lack comes with its remedy.
    """
    wanted = deployment(**values)
    planned = plan(wanted, warn=warn, note=lambda _: None)
    findings = []
    for finding in examine(
        base_image=(planned.env.base_argument and base_image) or planned.env.base_image,
        build_image=planned.env.build_image and (build_image or planned.env.build_image),
        bind=bind,
        port=port,
        python_version=planned.env.python_version,
        network=wanted.network,
        ca_file=wanted.ca_file,
    ):
        findings.append(finding)
        if as_json:
            continue
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<16} {finding.found}")
        if finding.remedy:
            print(f"{'':<23}{finding.remedy}")
    if as_json:
        print_json([asdict(finding) for finding in findings])
        sys.stdout.flush()
    if lacking := sum(not finding.ok for finding in findings):
        raise ScoredockError(f"{lacking} of these need attention for the docker runtime")
