"""From a spec with gaps to an environment without: every choice is made here, and only here."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scoredock.conda import CondaPackage, newest_python, parse_package
from scoredock.errors import SpecError
from scoredock.paths import DEFAULTS
from scoredock.spec import CondaDependencies, EnvironmentSpec

Variables: TypeAlias = tuple[tuple[str, str], ...]

VARIABLE_NAME = re.compile(r"[^\W\d][\w.-]*")
# What the reference SDK writes where the user has said nothing.
_DEFAULT_PLATFORM = {"os": "Linux", "architecture": "amd64"}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPackage:
    """One line of the `pip:` section; `replaced` says what takes its place, if anything does."""

    requirement: str
    replaced: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedEnvironment:
    """An environment with every gap filled: what templates see, by these names."""

    name: str
    version: str
    installer: Literal["pip", "none"]
    base_image: str
    interpreter: str
    python_version: str = ""
    pip_requirement: str = ""
    channels: tuple[str, ...] = ()
    conda_packages: tuple[str, ...] = ()
    pip_packages: tuple[PipPackage, ...] = ()
    variables: Variables = ()

    @property
    def digest(self) -> str:
        """sha256 of everything above, in hexadecimal: equal environments have equal digests."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def summary(self) -> dict[str, str]:
        """What the image's `scoredock.environment` label tells, in JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "installer": self.installer,
            "python": self.python_version,
            "digest": self.digest,
        }


@cache
def defaults() -> dict[str, Any]:
    """Return defaults.yaml."""
    return dict(yaml.safe_load(DEFAULTS.read_text(encoding="utf-8")))


def resolve(
    spec: EnvironmentSpec, *, keep: Collection[str] = ()
) -> tuple[ResolvedEnvironment, list[str]]:
    """Return the environment and a note for each choice that the spec did not ask for.

    `keep` names pip packages to install although scoredock-server takes their place.
    Raises SpecError for what cannot be made: packages that need conda, an unknown Python.
    """
    _refuse_dockerfiles(spec)
    keep = _known_packages(keep)
    notes = _meaningless(spec)
    variables = _variables(spec, notes)
    if spec.python.user_managed_dependencies:
        environment = _user_managed(spec, variables)
    else:
        environment = _made_by_pip(spec, variables, keep, notes)
    return environment, notes


def _user_managed(spec: EnvironmentSpec, variables: Variables) -> ResolvedEnvironment:
    """Return an environment that is the base image's own, with the server added to it."""
    image = spec.docker and spec.docker.base_image
    if not image:
        raise SpecError(
            "expected an image that holds Python and every package, found none",
            path="docker.baseImage",
            hint="python.userManagedDependencies is true, so nothing else would be installed",
        )
    return ResolvedEnvironment(
        name=_one_line(spec.name or "environment", "name"),
        version=_one_line(spec.version or "", "version"),
        installer="none",
        base_image=_one_line(image, "docker.baseImage"),
        interpreter=_one_line(spec.python.interpreter_path or "python3", "python.interpreterPath"),
        variables=variables,
    )


def _made_by_pip(
    spec: EnvironmentSpec, variables: Variables, keep: Collection[str], notes: list[str]
) -> ResolvedEnvironment:
    conda = spec.python.conda_dependencies or CondaDependencies()
    packages = _conda_packages(conda)
    python_version = _python_version(packages, notes)
    written = tuple(entry for entry in conda.dependencies if isinstance(entry, str))
    return ResolvedEnvironment(
        name=_one_line(spec.name or "environment", "name"),
        version=_one_line(spec.version or "", "version"),
        installer="pip",
        base_image=_plain_base_image(spec, python_version, notes),
        interpreter="python3",
        python_version=python_version,
        pip_requirement=_pip_requirement(packages, python_version),
        channels=conda.channels or (),
        conda_packages=written if "python" in packages else (f"python={python_version}", *written),
        pip_packages=_pip_packages(conda, keep),
        variables=variables,
    )


def _known_packages(keep: Collection[str]) -> set[str]:
    names = {str(canonicalize_name(name)) for name in keep}
    known = defaults()["replaced_packages"]
    if unknown := sorted(names - set(known)):
        raise SpecError(f"expected {' or '.join(known)}, found {unknown[0]}", path="--keep")
    return names


def _refuse_dockerfiles(spec: EnvironmentSpec) -> None:
    docker = spec.docker
    for key, value in (
        ("baseDockerfile", docker and docker.base_dockerfile),
        ("buildContext", docker and docker.build_context),
    ):
        if value:
            raise SpecError(
                "an environment made from a Dockerfile is not supported",
                path=f"docker.{key}",
                hint="set docker.baseImage, or write the steps as a template override",
            )


def _meaningless(spec: EnvironmentSpec) -> list[str]:
    """Return a note for each field that is set and changes nothing."""
    docker, conda = spec.docker, spec.python.conda_dependencies
    fields = {
        "docker.arguments": docker and docker.arguments,
        "docker.baseImageRegistry": docker and any((docker.base_image_registry or {}).values()),
        "python.condaDependenciesFile": spec.python.conda_dependencies_file,
        "python.baseCondaEnvironment": spec.python.base_conda_environment,
        "spark": (spec.spark or {}).get("packages"),
        "databricks": any((spec.databricks or {}).values()),
        "r": spec.r,
        "docker.platform": docker and docker.platform not in (None, _DEFAULT_PLATFORM),
        "python.condaDependencies.variables": conda and conda.variables,
        "inferencingStackVersion": spec.inferencing_stack_version,
    }
    remedies = {
        "docker.baseImageRegistry": ": log in to the registry with `docker login`",
        "python.condaDependencies.variables": ": use environmentVariables",
        "inferencingStackVersion": ": scoredock-server is always installed",
    }
    return [
        f"{name} is set and has no effect{remedies.get(name, '')}"
        for name, value in fields.items()
        if value
    ]


def _plain_base_image(spec: EnvironmentSpec, python_version: str, notes: list[str]) -> str:
    chosen = (spec.docker and spec.docker.base_image) or ""
    plain = str(defaults()["base_image"]).replace("X.Y", python_version)
    if chosen.startswith(tuple(defaults()["replaced_base_images"])):
        notes.append(f"docker.baseImage {chosen} is replaced by {plain}, which is all pip needs")
        return plain
    return _one_line(chosen, "docker.baseImage") or plain


def _variables(spec: EnvironmentSpec, notes: list[str]) -> Variables:
    variables = []
    for name, value in (spec.environment_variables or {}).items():
        path = f"environmentVariables.{name}"
        if (name, value) in defaults()["example_variables"].items():
            notes.append(f"{path} is the reference SDK's example and is left out")
            continue
        if not VARIABLE_NAME.fullmatch(name):
            raise SpecError("expected a name of letters, digits, _ . and -", path=path)
        variables.append((name, _one_line("" if value is None else str(value), path)))
    return tuple(variables)


def _one_line(text: str, path: str) -> str:
    """Return what can stand in one line of a Dockerfile; anything else is a SpecError."""
    if _CONTROL.search(text):
        raise SpecError(f"expected one line of text, found {text!r}", path=path)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SpecError(f"half a character, which no file can hold: {error}", path=path) from error
    return text


def _pip_packages(conda: CondaDependencies, keep: Collection[str]) -> tuple[PipPackage, ...]:
    packages = []
    for index, entry in enumerate(conda.dependencies):
        for number, line in enumerate([] if isinstance(entry, str) else entry.pip):
            path = conda.where(f"dependencies[{index}].pip[{number}]")
            if not line.split("#")[0].strip():
                continue  # from_pip_requirements saves blank lines and comments as they were
            packages.append(_pip_package(_one_line(line, path).strip(), keep))
    return tuple(packages)


def _pip_package(line: str, keep: Collection[str]) -> PipPackage:
    try:
        name = canonicalize_name(Requirement(line.split(" #")[0]).name)
    except InvalidRequirement:  # an option, a URL or a path: pip's to judge
        return PipPackage(requirement=line)
    replaced = defaults()["replaced_packages"].get(name, "")
    return PipPackage(requirement=line, replaced="" if name in keep else replaced)


def _conda_packages(conda: CondaDependencies) -> dict[str, CondaPackage]:
    """Return Python and pip, where the conda part names them, by name."""
    packages = {}
    for index, line in enumerate(conda.dependencies):
        if not isinstance(line, str):
            continue
        path = conda.where(f"dependencies[{index}]")
        package = parse_package(line, path=path)
        if package.name not in ("python", "pip"):
            raise SpecError(
                f"{line!r} needs conda, and scoredock installs with pip",
                path=path,
                hint="move it to the pip: section, if it exists on the Python package index",
            )
        packages[package.name] = package
    return packages


def _python_version(packages: dict[str, CondaPackage], notes: list[str]) -> str:
    known = defaults()["pythons"]
    if "python" not in packages or not packages["python"].specifiers:
        version = str(defaults()["python"])
        notes.append(f"the spec names no version of Python: {version} is used")
        return version
    found = newest_python(packages["python"].specifiers, known)
    if found is None:
        raise SpecError(
            f"expected a version from {known[0]} to {known[-1]}, "
            f"found python{packages['python'].specifiers}",
            path=packages["python"].path,
        )
    return found


def _pip_requirement(packages: dict[str, CondaPackage], python_version: str) -> str:
    if "pip" in packages and packages["pip"].specifiers:
        return f"pip{packages['pip'].specifiers}"
    return str(defaults()["pip"].get(python_version, ""))
