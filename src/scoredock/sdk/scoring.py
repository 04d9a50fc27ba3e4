"""One request, and what the answer holds."""

import json
from pathlib import Path
from typing import Any

from scoredock.client import post_score
from scoredock.errors import ScoredockError
from scoredock.keys import first_key
from scoredock.sdk.errors import WebserviceException


def score(uri: str, input_data: Any, *, key_file: str = "") -> Any:
    """POST once; text and bytes as they are, all else as JSON. See LocalWebservice.run()."""
    body = _body(input_data)
    try:
        key = first_key(Path(key_file)) if key_file else ""
        answer = post_score(uri, body, key=key)
    except ScoredockError as error:
        raise WebserviceException(
            f"Error: Scoring was unsuccessful. {error}",
            hint="get_logs() tells what the entry script said",
        ) from error
    try:
        return json.loads(answer)
    except ValueError:
        return answer


def _body(input_data: Any) -> bytes:
    if isinstance(input_data, bytes | bytearray):
        return bytes(input_data)
    text = input_data if isinstance(input_data, str) else json.dumps(input_data, default=_listed)
    return text.encode("utf-8")


def _listed(value: Any) -> Any:
    """Return an array as a list, which JSON can hold."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise WebserviceException(f"expected what JSON can hold, found {type(value).__name__}")
