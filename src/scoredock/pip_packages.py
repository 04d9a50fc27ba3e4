"""What pip installs: the lines of the `pip:` section, and packages in conda's stead."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scoredock.conda import CondaPackage
from scoredock.conda_names import PIP_NAMES
from scoredock.defaults import defaults, one_line
from scoredock.spec import CondaDependencies

# What an environment has without any conda package that needs conda.
PLAIN: Final = ("python", "pip")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPackage:
    """One line for pip."""

    requirement: str
    """As written: a requirement, or an option of pip's."""
    replaced: str = ""
    """Why it is not installed, where something takes its place; else empty."""
    conda: str = ""
    """The conda package that it stands for, where pip installs what conda was to; else empty."""


def requirement(package: CondaPackage) -> str | None:
    """Return the same package for pip, or None where there is none."""
    name, specifiers = PIP_NAMES.get(package.name), package.specifiers
    return None if name is None or specifiers is None else f"{name}{specifiers}"


def translated(
    packages: Collection[CondaPackage], conda: CondaDependencies, notes: list[str]
) -> Iterator[PipPackage]:
    """Yield what pip installs in conda's stead."""
    twice = {project_name(line) for _, line in pip_lines(conda)} - {""}
    for package in packages:
        found = requirement(package)
        if package.build:
            notes.append(f"{package.path}: pip has no build {package.build!r}: any will do")
        if package.name in PLAIN or found is None:
            continue
        also = "the pip: section names it too" if project_name(found) in twice else ""
        yield PipPackage(requirement=found, conda=package.written, replaced=also)


def pip_lines(conda: CondaDependencies) -> Iterator[tuple[str, str]]:
    """Yield each line of the pip: sections, with its place."""
    for index, entry in enumerate(conda.dependencies):
        for number, line in enumerate([] if isinstance(entry, str) else entry.pip):
            path = conda.where(f"dependencies[{index}].pip[{number}]")
            if line.split("#")[0].strip():  # from_pip_requirements saves blank lines and comments
                yield path, one_line(line, path).strip()


def pip_packages(conda: CondaDependencies, keep: Collection[str]) -> tuple[PipPackage, ...]:
    """Return the lines of the pip: sections, with what takes the place of each."""
    replaced = defaults()["replaced_packages"]
    return tuple(
        PipPackage(
            requirement=line,
            replaced="" if project_name(line) in keep else replaced.get(project_name(line), ""),
        )
        for _, line in pip_lines(conda)
    )


def pip_constraints(conda: CondaDependencies) -> tuple[str, ...]:
    """Return what holds the versions of all that pip installs."""
    return tuple(
        one_line(line, conda.where(f"constraints[{index}]"))
        for index, line in enumerate(conda.constraints)
    )


def from_no_index(line: str) -> bool:
    """Tell whether a line of the pip: section names a package by URL, repository or path."""
    wanted = re.split(r"\s--|\s#", line)[0].strip()
    if wanted.startswith("-"):
        return bool(re.match(r"(-e|--editable)\b", wanted))
    try:
        return Requirement(wanted).url is not None
    except InvalidRequirement:  # pip's own forms, as git+https://…
        return "/" in wanted


@cache
def project_name(line: str) -> str:
    """Return a package's name, normalized; empty for an option, a URL or a path: pip judges it."""
    try:
        # A comment, and options of the one requirement as --hash, are no part of it.
        return str(canonicalize_name(Requirement(re.split(r"\s+(?:#|--)", line)[0]).name))
    except InvalidRequirement:
        return ""
