"""Where the kit's own files are: at the top of a checkout, or beside the modules when installed."""

import os
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGE.parents[1]

IS_CHECKOUT: Final = (_CHECKOUT / "compose.yaml").is_file()
KIT: Final = _CHECKOUT if IS_CHECKOUT else _PACKAGE / "kit"

COMPOSE_FILE: Final = KIT / "compose.yaml"
CONTEXT: Final = KIT / "docker"
TEMPLATES: Final = KIT / "templates"
DEFAULTS: Final = _PACKAGE / "defaults.yaml"

# The project: whose .env is read.
PROJECT: Final = _CHECKOUT if IS_CHECKOUT else Path.cwd()


def state(*parts: str) -> Path:
    """Return a path in the folder that holds build contexts, environments and the log."""
    folder = Path(os.environ.get("SCOREDOCK_STATE") or PROJECT / ".scoredock")
    return folder.absolute().joinpath(*parts)
