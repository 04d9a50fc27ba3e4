"""What the conda and pip parts ask for: which installer, which Python, which packages."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scoredock.conda import CondaPackage, accepted_pythons, newest_python, parse_package
from scoredock.conda_names import PIP_NAMES
from scoredock.defaults import defaults, one_line
from scoredock.errors import SpecError
from scoredock.numpy_one import BOUND, needs_numpy_1
from scoredock.spec import CondaDependencies

Installer: TypeAlias = Literal["none", "pip", "conda"]
InstallerChoice: TypeAlias = Literal["auto", "pip", "conda"]

# What an environment has without any conda package that needs conda.
_PLAIN = ("python", "pip")
# A channel's folder has to be mounted into the build, whose syntax has no quotes.
_FOLDER = re.compile(r"file://(/[\w.+-]+)+/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPackage:
    """One line for pip."""

    requirement: str
    """As written: a requirement, or an option of pip's."""
    replaced: str = ""
    """Why it is not installed, where something takes its place; else empty."""
    conda: str = ""
    """The conda package that it stands for, where pip installs what conda was to; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What is installed and by whom; `reason` tells why it is that installer, in one line.

    `python_version` is X.Y; with installer `conda` it is empty where the solver may choose it.
    """

    installer: Installer
    reason: str
    python_version: str
    pip_requirement: str
    channels: tuple[str, ...]
    conda_packages: tuple[str, ...]
    pip_packages: tuple[PipPackage, ...]


def choose_packages(
    conda: CondaDependencies,
    *,
    installer: InstallerChoice = "auto",
    keep: Collection[str] = (),
    notes: list[str],
) -> Packages:
    """Choose what to install and with what; `notes` gets what the spec did not ask for.

    Raises SpecError for a package that nobody can mean, for an unknown Python, and, where pip is
    insisted on, for a package that the Python package index is not known to have.
    """
    packages = conda_packages(conda)
    chosen, reason = _choose_installer(packages, installer)
    if chosen == "conda":
        return _installed_by_conda(conda, packages, reason, keep=keep, notes=notes)
    python = _python(packages)
    python_version = _python_version(python, notes)
    written = tuple(package.written for package in packages if package.name in _PLAIN)
    return Packages(
        installer="pip",
        reason=reason,
        python_version=python_version,
        pip_requirement=_pip_requirement(packages, python_version),
        channels=_channels(conda),
        conda_packages=written if python else (f"python={python_version}", *written),
        pip_packages=_with_numpy(
            (*_translated(packages, conda, notes), *_pip_packages(conda, keep)),
            python_version,
            notes,
        ),
    )


def known_names(keep: Collection[str]) -> set[str]:
    """Return what is to be kept, as the index spells it; a SpecError for what nothing removes."""
    names = {str(canonicalize_name(name)) for name in keep}
    known = [*defaults()["replaced_packages"], *defaults()["trimmed"]]
    if unknown := sorted(names - set(known)):
        raise SpecError(f"expected {' or '.join(known)}, found {unknown[0]}", path="--keep")
    return names


def conda_packages(conda: CondaDependencies) -> list[CondaPackage]:
    """Return the packages of the conda part; Python first where it is named twice.

    Raises SpecError at the first that is none.
    """
    packages = []
    for index, line in enumerate(conda.dependencies):
        if isinstance(line, str):
            path = conda.where(f"dependencies[{index}]")
            packages.append(parse_package(one_line(line, path), path=path))
    return packages


def needs_conda(packages: Collection[CondaPackage]) -> list[CondaPackage]:
    """Return the packages that pip cannot install: what `--installer pip` would be refused for."""
    return [package for package in packages if _requirement(package) is None]


def _choose_installer(
    packages: Collection[CondaPackage], installer: InstallerChoice
) -> tuple[Installer, str]:
    others = [package for package in packages if package.name not in _PLAIN]
    qualified = [package for package in packages if package.channel and package.name == "python"]
    if installer == "pip":
        for package in needs_conda(others):
            raise SpecError(_not_on_the_index(package), path=package.path, hint=_INSIST_HINT)
        return "pip", "pip was asked for"
    if installer == "conda":
        return "conda", "conda was asked for"
    if others or qualified:
        first = (others or qualified)[0]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return "conda", f"the conda part asks for {first.written}{more}"
    return "pip", "the conda part asks for nothing but Python and pip"


_INSIST_HINT = "leave out --installer pip (INSTALLER), or move it to the pip: section"


def _not_on_the_index(package: CondaPackage) -> str:
    if package.name in PIP_NAMES:
        return f"pip has no words for the version of {package.written!r}"
    return f"{package.written!r} is not known to be on the Python package index"


def _installed_by_conda(
    conda: CondaDependencies,
    packages: Collection[CondaPackage],
    reason: str,
    *,
    keep: Collection[str],
    notes: list[str],
) -> Packages:
    written = tuple(package.written for package in packages)
    python = _python(packages)
    if python is None or not python.version:
        version = _python_version(None, notes)
        if python is None:
            written = (f"python={version}", *written)
    else:
        accepted = accepted_pythons(python, defaults()["pythons"])
        if not accepted:
            raise _unknown_python(python)
        version = accepted[0] if len(accepted) == 1 else ""
    notes.append(f"installer conda: {reason}")
    channels = _channels(conda)
    if not channels:
        channels = tuple(defaults()["channels"])
        notes.append(f"the spec names no conda channel: {', '.join(channels)} is used")
    others = [package for package in packages if package.name not in _PLAIN]
    if others and not needs_conda(others):
        notes.append(
            "every conda package is on the Python package index too: "
            "--installer pip makes a smaller image, faster"
        )
    return Packages(
        installer="conda",
        reason=reason,
        python_version=version,
        pip_requirement="",
        channels=channels,
        conda_packages=written,
        pip_packages=_pip_packages(conda, keep),
    )


def _channels(conda: CondaDependencies) -> tuple[str, ...]:
    channels = []
    for index, channel in enumerate(conda.channels or ()):
        path = conda.where(f"channels[{index}]")
        channels.append(one_line(channel, path).strip())
        if channel.startswith("file:") and not _FOLDER.fullmatch(channels[-1]):
            raise SpecError(
                f"expected a folder as in file:///srv/channel, of letters, digits and ._+-, "
                f"found {channel!r}",
                path=path,
            )
    return tuple(channels)


def _python(packages: Collection[CondaPackage]) -> CondaPackage | None:
    return next((package for package in packages if package.name == "python"), None)


def _python_version(python: CondaPackage | None, notes: list[str]) -> str:
    """Return the X.Y to use: the newest that is accepted, or the default with a note."""
    if python is None or not python.version:
        version = str(defaults()["python"])
        notes.append(f"the spec names no version of Python: {version} is used")
        return version
    found = newest_python(python, defaults()["pythons"])
    if found is None:
        raise _unknown_python(python)
    return found


def _unknown_python(python: CondaPackage) -> SpecError:
    known = defaults()["pythons"]
    return SpecError(
        f"expected a version from {known[0]} to {known[-1]}, found {python.written!r}",
        path=python.path,
    )


def _pip_requirement(packages: Collection[CondaPackage], python_version: str) -> str:
    for package in packages:
        if package.name == "pip" and package.version:
            if package.specifiers is None:
                raise SpecError(_not_on_the_index(package), path=package.path)
            return f"pip{package.specifiers}"
    return str(defaults()["pip"].get(python_version, ""))


def _requirement(package: CondaPackage) -> str | None:
    """Return the same package for pip, or None where there is none."""
    name, specifiers = PIP_NAMES.get(package.name), package.specifiers
    return None if name is None or specifiers is None else f"{name}{specifiers}"


def _translated(
    packages: Collection[CondaPackage], conda: CondaDependencies, notes: list[str]
) -> Iterator[PipPackage]:
    """Yield what pip installs in conda's stead."""
    twice = {project_name(line) for _, line in _pip_lines(conda)} - {""}
    for package in packages:
        requirement = _requirement(package)
        if package.name in _PLAIN or requirement is None:
            continue
        if package.build:
            notes.append(f"{package.path}: pip has no build {package.build!r}: any will do")
        also = "the pip: section names it too" if project_name(requirement) in twice else ""
        yield PipPackage(requirement=requirement, conda=package.written, replaced=also)


def _pip_lines(conda: CondaDependencies) -> Iterator[tuple[str, str]]:
    """Yield each line of the pip: sections, with its place."""
    for index, entry in enumerate(conda.dependencies):
        for number, line in enumerate([] if isinstance(entry, str) else entry.pip):
            path = conda.where(f"dependencies[{index}].pip[{number}]")
            if line.split("#")[0].strip():  # from_pip_requirements saves blank lines and comments
                yield path, one_line(line, path).strip()


def _pip_packages(conda: CondaDependencies, keep: Collection[str]) -> tuple[PipPackage, ...]:
    replaced = defaults()["replaced_packages"]
    return tuple(
        PipPackage(
            requirement=line,
            replaced="" if project_name(line) in keep else replaced.get(project_name(line), ""),
        )
        for _, line in _pip_lines(conda)
    )


def _with_numpy(
    packages: tuple[PipPackage, ...], python_version: str, notes: list[str]
) -> tuple[PipPackage, ...]:
    """Add the bound of numpy that a package of its time needs, with a note."""
    installed = [package.requirement for package in packages if not package.replaced]
    old = needs_numpy_1(installed, python_version)
    if not old:
        return packages
    notes.append(f"{BOUND} is added: {old} is built for numpy 1, and nothing bounds numpy")
    return (*packages, PipPackage(requirement=BOUND))


@cache
def project_name(line: str) -> str:
    """Return a package's name, normalized; empty for an option, a URL or a path: pip judges it."""
    try:
        return str(canonicalize_name(Requirement(line.split(" #")[0]).name))
    except InvalidRequirement:
        return ""
