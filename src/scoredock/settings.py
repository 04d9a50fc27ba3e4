"""The settings that .env, the process environment and the command line share."""

import os
from pathlib import Path

from dotenv import dotenv_values

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
    "SCOREDOCK_STATE",
)


def load_dotenv(project: Path = PROJECT) -> None:
    """Put what .env says into the process environment, where that says nothing."""
    file = project / ".env"
    if not file.is_file():
        return
    try:
        values = dotenv_values(file)
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8: {error}", path=str(file)) from error
    for name, value in values.items():
        if value and name not in os.environ:
            os.environ[name] = str(project / value) if name in _PATHS else value
