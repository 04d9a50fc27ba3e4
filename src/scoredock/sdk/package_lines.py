"""Lines of conda and pip: options, names, and requirements made one."""

import re
from collections.abc import Iterable
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scoredock.conda import CondaPackage, parse_package
from scoredock.errors import SpecError
from scoredock.sdk.errors import UserErrorException, raised_as

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:$|[\[(<>=!~;@ ])")


def is_option(line: str) -> bool:
    """Tell whether a line is an option of pip."""
    return line.lstrip().startswith("-")


def option_word(line: str) -> str:
    """Return the option itself: `--index-url` of `--index-url URL`."""
    return re.split(r"[\s=]", line.strip(), maxsplit=1)[0]


def pip_name(line: str) -> str:
    """Return what a package is known by: its bare name, or all of a line that has none."""
    found = None if is_option(line) else _NAME.match(line)
    return canonicalize_name(found[1]) if found else line.strip()


def conda_package(package: str) -> CondaPackage:
    """Return what a match specification says. Raises UserErrorException."""
    with raised_as(UserErrorException):
        return parse_package(package, path="conda dependencies")


def is_conda(item: Any, name: str) -> bool:
    """Tell whether an item of a dependency list is the conda package of this name."""
    try:
        return isinstance(item, str) and parse_package(item, path="").name == name
    except SpecError:
        return False


def of_core(name: str, core_type: str) -> str:
    """Return the name of a package for cpu or gpu. Raises UserErrorException for other cores."""
    if core_type not in ("cpu", "gpu"):
        raise UserErrorException(f"core_type: expected cpu or gpu, found {core_type!r}")
    return name if core_type == "cpu" else f"{name}-gpu"


def merged(requirements: Iterable[str]) -> list[str]:
    """Return requirements with those of one name made one, all of whose conditions hold."""
    found: dict[str, Requirement | str] = {}
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            found[text] = text
            continue
        key = f"{canonicalize_name(requirement.name)};{requirement.marker or ''}"
        known = found.setdefault(key, requirement)
        if isinstance(known, Requirement) and known is not requirement:
            known.specifier &= requirement.specifier
            known.extras |= requirement.extras
    return [str(each) for each in found.values()]
