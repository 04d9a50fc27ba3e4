from typing import Any

import click

from scoredock.client import post_score
from scoredock.options import LISTEN, with_options
from scoredock.port import reachable_host


@click.command()
@click.argument("file", type=click.File("rb"))
@with_options(LISTEN)
@click.option("--url", help="Scoring URL, in place of this machine's.")
def score(file: Any, bind: str, port: int, url: str | None) -> None:
    """POST FILE to the service and print what it answers.

    FILE may be -, for standard input.
    """
    print(post_score(url or f"http://{reachable_host(bind)}:{port}/score", file.read()))
