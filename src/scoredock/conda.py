"""Conda match specifications: parsed by py-rattler, judged here, translated for pip."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from scoredock.errors import SpecError

if TYPE_CHECKING:
    from rattler import MatchSpec

_NAME = re.compile(r"\w[\w.-]*")
# conda's documentation: a build string has letters, digits, _ . and +; * stands for any text.
_BUILD = re.compile(r"[\w.+*]+")
# A package by the URL of its file, which tells what a match specification would.
_FILE = re.compile(
    r"(?P<channel>\S+://\S+)/[^/]+/[^/]+-(?P<version>[^-/]+)-(?P<build>[^-/]+)\.(?:conda|tar\.bz2)"
)
# What most specs ask for and nothing else: `python=3.8` and `pip`. What py-rattler makes of that is
# known (a test compares), and its import is a sixth of the time that `render` takes.
_PLAIN = re.compile(r"(?P<name>[a-z]+)(?:=(?P<version>[1-9][0-9]*(?:\.(?:0|[1-9][0-9]*))*))?")
# Alternatives and conditions of a version, as py-rattler writes them back.
_CONDITION = re.compile(r"(?P<operator>[=<>!~]*)(?P<number>[^*]*?)(?P<any>\.?\*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """A package of the conda part; `version` is conda's own condition, empty where it has none."""

    name: str
    version: str
    build: str
    channel: str
    written: str
    path: str

    @property
    def specifiers(self) -> SpecifierSet | None:
        """The same condition for pip (PEP 440); None where pip has no words for it.

        conda's `1.2.*` is `==1.2.*`; `1.2|1.3` and versions such as `9b` have no counterpart.
        """
        if "|" in self.version:
            return None
        conditions = [_CONDITION.fullmatch(part) for part in self.version.split(",")]
        try:
            return SpecifierSet(",".join(_for_pip(part) for part in conditions if part))
        except InvalidSpecifier:
            return None

    def accepts(self, version: str) -> bool:
        """Tell whether a version fulfils the condition."""
        if _PLAIN.fullmatch(self.written):
            return f"{version}.".startswith(self.version.removesuffix("*"))
        from rattler import Version, VersionSpec

        return not self.version or VersionSpec(self.version).matches(Version(version))


def _for_pip(condition: re.Match[str]) -> str:
    operator, number, any_ = condition["operator"], condition["number"], condition["any"]
    if not number:
        return ""  # any version at all
    return f"{operator or '=='}{number}{'.*' if any_ else ''}"


def parse_package(package: str, *, path: str) -> CondaPackage:
    """Parse a match specification such as `conda-forge::python >=3.9,<3.11`.

    `=3.9` accepts 3.9 and what begins with it; `==3.9`, ` 3.9` and anything with a build string
    accept 3.9 alone (conda's documentation, "Package match specifications"). Raises SpecError for
    what py-rattler refuses, and for what it makes sense of although nobody can have meant it.
    """
    if plain := _PLAIN.fullmatch(package.strip()):
        version = f"{plain['version']}.*" if plain["version"] else ""
        return CondaPackage(
            name=plain["name"],
            version=version,
            build="",
            channel="",
            written=package.strip(),
            path=path,
        )
    return parsed_by_rattler(package, path=path)


def parsed_by_rattler(package: str, *, path: str) -> CondaPackage:
    """Parse any match specification; parse_package does it for the plainest by itself."""
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        # Strict parsing refuses `=3.7.*`, which 30 of 643 real conda files have.
        match = MatchSpec(package, strict=False)
    except InvalidMatchSpecError as error:
        raise _not_a_package(package, path, reason=str(error)) from None
    name = str(match.name.normalized) if match.name else ""
    version, build = match.version or "", match.build or ""
    if file := _FILE.fullmatch(package.strip()):
        version, build = f"=={file['version']}", file["build"]
    if not _NAME.fullmatch(name) or (build and not _BUILD.fullmatch(build)):
        raise _not_a_package(package, path)
    for alternative in version.split("|") if version else ():
        _check_conditions(alternative.split(","), package, path)
    return CondaPackage(
        name=name,
        version="" if version == "*" else version,
        build="" if build == "*" else build,
        channel=_channel(package, match),
        written=package.strip(),
        path=path,
    )


def _check_conditions(conditions: Sequence[str], package: str, path: str) -> None:
    """Refuse `numpy and more` and `>=1.16,<=1,16.2`, which py-rattler reads as versions."""
    for condition in conditions:
        # A bare number beside other conditions: py-rattler has put the == before it.
        bare = len(conditions) > 1 and condition.startswith("==") and "==" not in package
        if bare or not re.search(r"\d|^\*$", condition):
            raise SpecError(
                f"expected a version as in python=3.11 or python>=3.9,<3.12, found {package!r}",
                path=path,
            )


def _not_a_package(package: str, path: str, *, reason: str = "") -> SpecError:
    if "version" in reason:
        return SpecError(
            f"expected a version as in python=3.11 or python>=3.9,<3.12, found {package!r}",
            path=path,
        )
    return SpecError(
        f"expected a conda package, found {package!r}",
        path=path,
        hint="a conda package is written as NAME, NAME=VERSION or CHANNEL::NAME>=VERSION; "
        "what pip is to install belongs under pip:",
    )


def _channel(package: str, match: "MatchSpec") -> str:
    """Return the channel in front of the name, or of a file, as it was written."""
    if file := _FILE.fullmatch(package.strip()):
        return file["channel"]
    if match.channel is None:
        return ""
    return package.split("::")[0].strip() if "::" in package else str(match.channel.base_url)


def accepted_pythons(pythons: Sequence[CondaPackage], known: Sequence[str]) -> list[str]:
    """Return each X.Y of `known` with a release that all the packages accept, newest first."""
    # No Python has had more than 30 releases of one minor version.
    return [
        minor
        for minor in reversed(known)
        if any(all(python.accepts(f"{minor}.{patch}") for python in pythons) for patch in range(31))
    ]
