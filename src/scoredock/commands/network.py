import shlex
import sys
from pathlib import Path
from typing import Any

import click

from scoredock.deployment import deployment
from scoredock.options import NETWORK, SPEC, with_options
from scoredock.output import note
from scoredock.reach import secret_variable


@click.command()
@with_options(SPEC, NETWORK)
def network(**values: Any) -> None:
    """Print the network settings as variables of the shell, for plain docker compose.

    With their credentials, so not onto a terminal. `scoredock build` and `up` need no such step:

    \b
      eval "$(scoredock network)"
      docker compose up --build
    """
    if sys.stdout.isatty():
        raise click.UsageError('they may hold credentials: eval "$(scoredock network)"')
    wanted = deployment(**values)
    for line in wanted.notes:
        note(line)
    secrets = wanted.network.secrets(authorities=wanted.ca_file is not None)
    for name in ("network", "apt_conf", "apt_method"):
        _export(secret_variable(name), secrets.get(name, ""))
    for variable, path in (("CA_FILE", wanted.ca_file), ("PIP_CONFIG", wanted.pip_config)):
        if path:
            _export(variable, str(Path(path).resolve()))
    if wanted.network.ca:
        note("ca is not among the variables: docker compose takes it as a PEM file, CA_FILE")
    if wanted.network.registry_mirrors:
        note("registry_mirrors are not either: docker pull the mirror's image and docker tag it")
    if wanted.network.proxy_arguments():
        note("steps of your own, as apt's, have the proxy of ~/.docker/config.json alone")


def _export(variable: str, value: str) -> None:
    print(f"export {variable}={shlex.quote(value)}")
