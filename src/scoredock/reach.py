"""How builds on this machine reach what they need: the settings, and what the machine adds.

Where nobody says which index or which authorities, those of the machine's own pip hold: they are
what its person installs with already.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scoredock.host_pip import authorities_of_host, read_pip, with_indexes_of_host
from scoredock.logins import Logins
from scoredock.network import Network
from scoredock.network_settings import read_network, with_logins


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a build is given; `notes` say what the machine added, and how to leave that out."""

    network: Network
    ca_file: Path | None
    pip_config: Path | None
    notes: tuple[str, ...]


def find_reach(
    network_file: Path | None, *, ca_file: Path | None, pip_config: Path | None
) -> Reach:
    """Read the settings and complete them: logins, indexes and authorities of this machine.

    /dev/null for a file is none, and nothing of the machine's own in its place. Raises SpecError.
    """
    network = read_network(network_file, os.environ)
    notes: list[str] = []
    # Both take half a second to find out.
    host = read_pip() if pip_config is None or not (ca_file or network.ca) else {}
    if pip_config is None:
        network, found = with_indexes_of_host(network, host, os.environ)
        notes += found
    if ca_file is None and not network.ca:
        ca_file, found = authorities_of_host(host, os.environ)
        notes += found
    logins = Logins()
    network = with_logins(network, logins)
    return Reach(
        network=network,
        ca_file=_unless_null(ca_file),
        pip_config=_unless_null(pip_config),
        notes=(*notes, *logins.notes),
    )


def _unless_null(path: Path | None) -> Path | None:
    return None if path is None or str(path) == os.devnull else path


@contextmanager
def authorities_file(ca_file: Path | None, ca: str) -> Iterator[Path | None]:
    """Yield one PEM file of both, the file's and the settings'; None where there are none.

    Not a variable, as the other secrets: a bundle of all public authorities is too long for one.
    """
    if not ca:
        yield ca_file
        return
    with tempfile.TemporaryDirectory(prefix="scoredock-") as folder:
        both = Path(folder, "authorities.pem")
        known = ca_file.read_text(encoding="utf-8") if ca_file else ""
        both.write_text(f"{known}\n{ca}\n".lstrip(), encoding="utf-8")
        yield both


def secret_variable(name: str) -> str:
    """Return the variable that a build command takes a secret from; compose.yaml says the same."""
    return f"SCOREDOCK_{name.upper()}"
