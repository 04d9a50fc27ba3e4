"""The one place that turns other spellings of keys into the canonical ones.

Run-history snapshots say `Environment.Python.CondaDependencies`, REST bodies mix `Name` and
`python`, people write `base_image`. The reference SDK ignores each of them without a word.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel

from scoredock.spec import CondaDependencies, EnvironmentSpec

# What a mapping may hold: by the canonical key, what its value may hold; empty for anything.
Shape: TypeAlias = Mapping[str, "Shape"]

# How many keys a warning names.
_SHOWN = 3


def keys(*names: str) -> Shape:
    """Return the shape of a mapping that has these keys, with anything below them."""
    return {name: {} for name in names}


def squashed(key: object) -> str:
    """Return what the spellings of one key have in common: baseImage, BaseImage, base_image."""
    return re.sub(r"[^a-z0-9]", "", str(key).lower())


@cache
def shape_of(model: type[BaseModel]) -> Shape:
    """Return the keys of a section of the spec, with those of the sections in it."""
    return {
        field.alias or name: next(
            (
                shape_of(part)
                for part in (field.annotation, *get_args(field.annotation))
                if isinstance(part, type) and issubclass(part, BaseModel)
            ),
            {},
        )
        for name, field in model.model_fields.items()
    }


@cache
def environment_shape() -> Shape:
    """Return the keys of azureml_environment.json."""
    return {"$schema": {}, **shape_of(EnvironmentSpec)}


@cache
def conda_shape() -> Shape:
    """Return the keys of a conda file."""
    return shape_of(CondaDependencies)


def respell(data: Any, shape: Shape, *, path: str = "") -> tuple[Any, dict[str, str]]:
    """Return `data` with canonical keys, and what was written by the canonical path of each.

    Only where `shape` knows a key; of two spellings of one key the canonical one counts, and the
    other is left as it is, which makes it an unknown key.
    """
    written: dict[str, str] = {}
    return _respelt(data, shape, path, path, written), written


def _respelt(data: Any, shape: Shape, path: str, place: str, written: dict[str, str]) -> Any:
    if not isinstance(data, dict):
        return data
    canonical = {squashed(key): key for key in shape}
    result: dict[Any, Any] = {}
    for key, value in data.items():
        name = canonical.get(squashed(key), key)
        if name != key and (name in data or name in result):
            name = key
        inner, there = _within(path, name), _within(place, key)
        if inner != there:
            written[inner] = there
        known = shape.get(str(name))
        result[name] = _respelt(value, known, inner, there, written) if known else value
    return result


def _within(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def respelling_warning(label: str, written: Mapping[str, str]) -> list[str]:
    """Return one line for all keys that were spelt in another way, none where there are none."""
    last = {path.split(".")[-1]: place.split(".")[-1] for path, place in written.items()}
    changed = [f"{place} as {path}" for path, place in last.items() if path != place]
    if not changed:
        return []
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return [
        f"{label}: read {', '.join(changed[:_SHOWN])}{more}: "
        "the reference SDK ignores keys in another spelling"
    ]
