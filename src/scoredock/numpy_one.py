"""Packages of a time when there was no numpy 2, and whose wheels do not say that they need numpy 1.

With numpy 2, which an installer takes where nothing bounds it, they fail when they are imported:
"numpy.dtype size changed". (Conda's packages of that time say so.)
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import VERSION_PATTERN, Version

BOUND: Final = "numpy<2"

# The Pythons that have wheels of numpy 2 and of numpy 1.
_PYTHONS: Final = ("3.9", "3.10", "3.11", "3.12")
# The first release of each whose wheel is built for numpy 2: tried with 2.2.6, and the one before.
_FIRST: Final = {
    "h5py": "3.11.0",
    "matplotlib": "3.8.4",
    "onnxruntime": "1.19.0",
    "pandas": "2.2.2",
    "pyarrow": "16.0.0",
    "scikit-image": "0.23.2",
    "scikit-learn": "1.4.2",
    "shapely": "2.0.4",
}
_ANY_LATER: Final = "9999"
# With ===, anything may stand.
_VERSION: Final = re.compile(VERSION_PATTERN, re.VERBOSE | re.IGNORECASE)


def needs_numpy_1(requirements: Iterable[str], python_version: str) -> str:
    """Return the first of the requirements that needs numpy 1 although it leaves that open.

    Empty where there is none, and where one of them bounds numpy itself.
    """
    parsed = [found for line in requirements if (found := _parse(line))]
    bounded = any(name == "numpy" and each.specifier for name, each in parsed)
    if bounded or python_version not in _PYTHONS:
        return ""
    return next((str(each) for name, each in parsed if _is_of_numpy_1(name, each)), "")


def _is_of_numpy_1(name: str, requirement: Requirement) -> bool:
    """Tell whether no release for numpy 2 is accepted; those tried are at the bounds and above."""
    first = _FIRST.get(name)
    if first is None:
        return False
    named = [each.version.removesuffix(".*") for each in requirement.specifier]
    bounds = [Version(version).public for version in named if _VERSION.fullmatch(version)]
    tried = [first, _ANY_LATER, *bounds, *(f"{Version(bound).base_version}.1" for bound in bounds)]
    return not any(
        requirement.specifier.contains(version, prereleases=True)
        for version in tried
        if Version(version) >= Version(first)
    )


@cache
def _parse(line: str) -> tuple[str, Requirement] | None:
    """Return a requirement with its name; None for an option, a URL or a path."""
    try:
        found = Requirement(line.split(" #")[0])
    except InvalidRequirement:
        return None
    return None if found.url else (str(canonicalize_name(found.name)), found)
