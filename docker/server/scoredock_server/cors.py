"""Cross-origin requests: which pages of other origins may read an answer.

The rules are those of flask-cors 6 with its defaults, which the reference server uses.
"""

import re
from typing import Any, Dict, List

# An entry with one of these is a regular expression.
_SYNTAX = re.compile(r"[*\\\]?$^\[()]")
_METHODS = ["GET", "POST"]
_ALL = ("*", ".*")


class Origins:
    """The origins that AML_CORS_ORIGINS lists. Raises ValueError for a broken expression."""

    def __init__(self, listed: str) -> None:
        entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
        self._all = any(entry in _ALL for entry in entries)
        self._literal = sorted(entry for entry in entries if not _SYNTAX.search(entry))
        self._patterns = [_pattern(entry) for entry in entries]
        # One literal origin is always the same answer; a cache need not tell requests apart.
        self._varies = len(entries) > 1 or not self._literal

    def headers(self, request: Any, method: str) -> Dict[str, str]:
        """Return the response headers for a request with these headers: none is none."""
        if not self._patterns:
            return {}
        origin = request.get("Origin")
        if origin and any(pattern.match(origin) for pattern in self._patterns):
            allowed = origin
        elif not origin and self._all:
            allowed = "*"
        elif not origin and self._literal:
            allowed = self._literal[0]
        else:
            return {}
        headers = {"Access-Control-Allow-Origin": allowed}
        if method == "OPTIONS":
            headers.update(_preflight(request))
        if allowed != "*" and self._varies:
            headers["Vary"] = "Origin"
        return headers


def _pattern(entry: str) -> "re.Pattern[str]":
    entry = ".*" if entry == "*" else entry
    source = entry if _SYNTAX.search(entry) else re.escape(entry) + r"\Z"
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error as error:
        raise ValueError("{!r} is not a regular expression: {}".format(entry, error)) from None


def _preflight(request: Any) -> Dict[str, str]:
    if request.get("Access-Control-Request-Method", "").upper() not in _METHODS:
        return {}
    headers = {"Access-Control-Allow-Methods": ", ".join(_METHODS)}
    asked = _names(request.get("Access-Control-Request-Headers", ""))
    if asked:
        headers["Access-Control-Allow-Headers"] = ", ".join(sorted(asked))
    return headers


def _names(listed: str) -> List[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]
