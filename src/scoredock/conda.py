"""Conda match specifications, as far as choosing a Python and a pip needs them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from scoredock.errors import SpecError

_MATCH_SPEC = re.compile(r"\s*(?:[^\s=<>!~]+::)?(?P<name>[\w.-]+)\s*(?P<version>.*?)\s*")
_PLAIN_VERSION = re.compile(
    r"(?P<operator>={0,2})\s*(?P<number>\d[\w.]*?)(?P<any>\.?\*)?(?:[=\s]\s*(?P<build>\S+))?"
)


class CondaPackage(NamedTuple):
    """A package of the conda part; `specifiers` accepts every version where it names none."""

    name: str
    specifiers: SpecifierSet
    path: str


def parse_package(package: str, *, path: str) -> CondaPackage:
    """Parse a match specification such as `conda-forge::python >=3.9,<3.11`.

    `=3.9` accepts 3.9 and what begins with it; `==3.9`, ` 3.9` and anything with a build string
    accept 3.9 alone (conda's documentation, "Package match specifications").
    """
    match = _MATCH_SPEC.fullmatch(package)
    if match is None:
        raise SpecError(f"expected a conda package, found {package!r}", path=path)
    version = re.sub(r"^={0,2}\s*\*$", "", match["version"])  # any version at all
    if plain := _PLAIN_VERSION.fullmatch(version):
        exact = (plain["operator"] != "=" or plain["build"]) and not plain["any"]
        version = f"=={plain['number']}{'' if exact else '.*'}"
    try:
        return CondaPackage(match["name"].lower(), SpecifierSet(version), path)
    except InvalidSpecifier:
        raise SpecError(
            f"expected a version as in python=3.11 or python>=3.9,<3.12, found {package!r}",
            path=path,
        ) from None


def newest_python(specifiers: SpecifierSet, known: Sequence[str]) -> str | None:
    """Return the newest X.Y of `known` that has a release which `specifiers` accepts."""
    # No Python has had more than 30 releases of one minor version.
    return next(
        (
            minor
            for minor in reversed(known)
            if any(specifiers.contains(f"{minor}.{patch}") for patch in range(31))
        ),
        None,
    )
