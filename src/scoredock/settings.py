"""The settings that .env, the process environment and the command line share."""

import os
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from scoredock.errors import SpecError
from scoredock.paths import PROJECT

# Whose values are paths: in .env they start at the project, as docker compose reads them.
_PATHS = (
    "SPEC_DIR",
    "SOURCE_DIR",
    "MODELS_DIR",
    "TEMPLATES_DIR",
    "CA_FILE",
    "PIP_CONFIG",
    "NETWORK_FILE",
    "NETWORK_CA",
    "KEY_FILE",
    "TLS_CERTIFICATE_FILE",
    "TLS_KEY_FILE",
    "DEBUGPY_DIR",
    "SCOREDOCK_STATE",
    "SCOREDOCK_WORKSPACE",
)


# What no option stands for; the rest of compose's and docker's own variables begin alike.
_OWN = {
    "SCOREDOCK_STATE",
    "SERVICE_FILE",
    # Of compose.debug.yaml alone.
    "DEBUGPY_DIR",
    "DEBUG_WAIT",
    # The settings of network.py, whose import takes longer than a start may.
    "NETWORK_REGISTRY_MIRRORS",
    "NETWORK_PYTHON_INDEX",
    "NETWORK_EXTRA_PYTHON_INDEXES",
    "NETWORK_CONDA_MIRRORS",
    "NETWORK_TRUSTED_HOSTS",
    "NETWORK_APT_MIRRORS",
    "NETWORK_HTTP_PROXY",
    "NETWORK_HTTPS_PROXY",
    "NETWORK_NO_PROXY",
    "NETWORK_CA",
}
_FOREIGN = ("BUILDKIT_", "BUILDX_", "COMPOSE_", "DOCKER_")


def load_dotenv(known: Collection[str], project: Path = PROJECT) -> list[str]:
    """Put what .env says into the process environment, where that says nothing.

    Return a warning for each variable that is neither in `known` nor docker's own.
    """
    values = read_dotenv(project)
    for name, value in values.items():
        if value and name not in os.environ:
            os.environ[name] = value
    known = _OWN.union(known)
    return [
        f"{project / '.env'}: unknown variable {name}: scoredock ignores it{_nearest(name, known)}"
        for name in values
        if name not in known and not name.startswith(_FOREIGN)
    ]


def read_dotenv(project: Path = PROJECT) -> dict[str, str]:
    """Return what .env says, if there is one. Raises SpecError where it is no text."""
    file = project / ".env"
    if not file.is_file():
        return {}
    from dotenv import dotenv_values  # where there is a file alone is it worth its time

    try:
        values = dotenv_values(file)
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8: {error}", path=str(file)) from error
    # The authorities may be here themselves, as PEM text.
    paths = {
        name for name, value in values.items() if name in _PATHS and value and "\n" not in value
    }
    return {
        name: str(project / value) if value and name in paths else value or ""
        for name, value in values.items()
    }


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f" (the nearest known one is {near[0]})" if near else ""
