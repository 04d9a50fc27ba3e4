"""Where things are, for every kind of test."""

import os
import re
import sys
from pathlib import Path

from click import Context

from scoredock.cli import cli

ROOT = Path(__file__).parents[1]
SCOREDOCK = Path(sys.executable).parent / "scoredock"
# Every variable that a developer's own .env may set.
SETTINGS = re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
# Every command of the kit, by its name.
COMMANDS = {name: cli.get_command(Context(cli), name) for name in cli.list_commands(Context(cli))}


def base_image(version: str) -> str:
    """The image of a Python X.Y; TEST_BASE_IMAGE names another where no registry answers."""
    return os.environ.get("TEST_BASE_IMAGE", "python:X.Y-slim").replace("X.Y", version)
