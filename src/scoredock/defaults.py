"""What stands in defaults.yaml, and the one rule for every text that is printed into a file."""

import re
from functools import cache
from typing import Any

import yaml

from scoredock.errors import SpecError
from scoredock.paths import DEFAULTS

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@cache
def defaults() -> dict[str, Any]:
    """Return defaults.yaml."""
    return dict(yaml.safe_load(DEFAULTS.read_text(encoding="utf-8")))


def one_line(text: str, path: str) -> str:
    """Return what can stand in one line of a Dockerfile; anything else is a SpecError."""
    if _CONTROL.search(text):
        raise SpecError(f"expected one line of text, found {text!r}", path=path)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SpecError(f"half a character, which no file can hold: {error}", path=path) from error
    return text
