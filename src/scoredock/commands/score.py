from pathlib import Path
from typing import Any

import click

from scoredock.client import post_score
from scoredock.keys import first_key
from scoredock.options import FOLDER, KEY_FILE, LISTEN, with_options
from scoredock.port import reachable_host


@click.command()
@click.argument("file", type=click.File("rb"))
@with_options(LISTEN, [KEY_FILE])
@click.option("--url", help="Scoring URL, in place of this machine's.")
@click.option(
    "--tls-ca", type=FOLDER, help="PEM file that the service's certificate is checked with."
)
def score(
    file: Any, bind: str, port: int, key_file: Path | None, url: str | None, tls_ca: Path | None
) -> None:
    """POST FILE to the service and print what it answers.

    FILE may be -, for standard input. With --key-file the first key in that is sent.
    """
    url = url or f"http://{reachable_host(bind)}:{port}/score"
    key = first_key(key_file) if key_file else ""
    print(post_score(url, file.read(), key=key, ca_file=tls_ca))
