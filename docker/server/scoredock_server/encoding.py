"""What run() returns, as JSON text."""

import base64
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

_TEXT = (uuid.UUID, decimal.Decimal, pathlib.PurePath)
_DATES = (datetime.date, datetime.time)  # a datetime is a date
_KEYS = (str, int, float, bool, type(None))


class Encoding(NamedTuple):
    """How results become JSON.

    `more_types` encodes what the json module refuses (numpy, pandas, dates, bytes as Base64,
    dataclasses and more); `nan_as_null` writes NaN and the infinities as null.
    """

    more_types: bool = False
    nan_as_null: bool = False

    def text(self, value: Any) -> str:
        """Return `value` as JSON; a None is `{}`, as in the reference server.

        Raises TypeError, ValueError or RecursionError for what cannot be encoded.
        """
        if value is None:
            return "{}"
        convert = plain if self.more_types else None
        try:
            return json.dumps(value, default=convert, allow_nan=not self.nan_as_null)
        except (TypeError, ValueError):
            if not (self.more_types or self.nan_as_null):
                raise
        # Slower, but it also reaches the keys and every float.
        return json.dumps(self._rebuilt(value), default=convert)

    def _rebuilt(self, value: Any) -> Any:
        if isinstance(value, float):
            finite = value - value == 0
            return value if finite or not self.nan_as_null else None
        if isinstance(value, dict):
            return {self._key(key): self._rebuilt(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._rebuilt(item) for item in value]
        if self.more_types and not isinstance(value, _KEYS):
            return self._rebuilt(plain(value))
        return value

    def _key(self, key: Any) -> Any:
        if not self.more_types or isinstance(key, _KEYS):
            return key
        simple = plain(key)
        if not isinstance(simple, _KEYS):
            raise TypeError("a key of type {} is not JSON".format(type(key).__name__))
        return simple


def plain(value: Any) -> Any:
    """Return `value` in the terms of the json module, one level deep.

    Raises TypeError for a type that has no natural form in JSON.
    """
    kind = type(value)
    if kind.__name__ in ("NaTType", "NAType"):  # pandas: no date, no value
        return None
    if isinstance(value, _DATES):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, _TEXT):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(kind, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in kind.__dataclass_fields__}
    return _of_a_library(value)


def _of_a_library(value: Any) -> Any:
    """Ask the object itself: numpy, pandas, torch, TensorFlow, pydantic, none of them imported."""
    if type(value).__module__ == "numpy" and getattr(value.dtype, "kind", "") in ("M", "m"):
        return _numpy_times(value)
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    for name in ("tolist", "model_dump", "numpy"):
        method = getattr(value, name, None)
        if callable(method):
            return method()
    raise TypeError("an object of type {} is not JSON".format(type(value).__name__))


def _numpy_times(value: Any) -> Any:
    """Return dates as ISO text, durations in seconds, no date as None; tolist() gives integers."""
    if value.dtype.kind == "m":
        times = value.astype("timedelta64[us]").astype("float64") / 1e6
    else:
        times = value.astype(str)
    if not value.shape:
        return None if value != value else times.tolist()
    times = times.astype(object)
    times[value != value] = None
    return times.tolist()
