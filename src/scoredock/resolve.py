"""From a spec with gaps to an environment without: every choice is made here, and only here."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from scoredock.defaults import defaults, one_line
from scoredock.dockerfile import BaseStages, base_stages
from scoredock.errors import SpecError
from scoredock.packages import (
    Installer,
    InstallerChoice,
    Packages,
    choose_packages,
    known_names,
)
from scoredock.pip_packages import PipPackage
from scoredock.remarks import fields_without_effect, missing_libraries
from scoredock.runtime_options import platform_of, runtime_options
from scoredock.spec import CondaDependencies, DockerSection, EnvironmentSpec

Variables: TypeAlias = tuple[tuple[str, str], ...]

VARIABLE_NAME = re.compile(r"[^\W\d][\w.-]*")
# What docker takes for one is narrower; this tells it from a placeholder or a sentence.
_IMAGE_NAME = re.compile(r"[\w.$][\w./:@${}-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedEnvironment:
    """An environment with every gap filled: what templates see, by these names."""

    name: str
    """As in the spec; `environment` where it has none."""
    version: str
    """As in the spec; empty where it has none."""
    installer: Installer
    """What makes the environment; `none` for userManagedDependencies."""
    installer_reason: str
    """Why it is that one, in one line."""
    base_image: str
    """What the image starts from, unless BASE_IMAGE says otherwise."""
    base_stage: str = ""
    """The last stage of the spec's own Dockerfile, to start from; empty where it has none."""
    base_dockerfile: str = ""
    """The spec's own Dockerfile, whose stages come before all others; empty where it has none."""
    base_argument: bool = True
    """Whether the build argument BASE_IMAGE can name another: the spec's own Dockerfile may not."""
    base_files: tuple[str, ...] = ()
    """What that takes from its build context, which is in the folder base_context of ours."""
    platform: str = ""
    """What the image is made for, as `linux/arm64`; empty for the machine's own."""
    build_image: str = ""
    """Where conda packages are installed, unless BUILD_IMAGE says otherwise; else empty."""
    interpreter: str
    """The Python that the environment is made from, or that installs conda packages."""
    python_version: str = ""
    """X.Y; empty with installer `none`, and where conda chooses among several."""
    pip_requirement: str = ""
    """The pip to install first, as `pip==21.3.1`; empty for the one that is there."""
    channels: tuple[str, ...] = ()
    """The conda channels, in the order they are searched in."""
    conda_packages: tuple[str, ...] = ()
    """The conda part: a match specification each."""
    pip_packages: tuple[PipPackage, ...] = ()
    """The lines of the `pip:` section, in its order."""
    pip_constraints: tuple[str, ...] = ()
    """What versions pip may take, of these and of what they need: a line of constraints each."""
    variables: Variables = ()
    """The spec's environment variables: pairs of name and value."""
    keep: tuple[str, ...] = ()
    """What a service does not need and has all the same: pip, tests, conda-meta."""
    service_options: dict[str, Any] = field(default_factory=dict)
    """How the container runs: keys of a compose service, from `docker run` arguments."""

    @property
    def channel_folders(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a build context's name and the folder of a file:// channel."""
        folders = [name.removeprefix("file://") for name in self.channels if "file://" in name]
        return tuple((f"channel-{number}", path) for number, path in enumerate(folders, 1))

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


def resolve(
    spec: EnvironmentSpec, *, keep: Collection[str] = (), installer: InstallerChoice = "auto"
) -> tuple[ResolvedEnvironment, list[str]]:
    """Return the environment and a note for each choice that the spec did not ask for.

    `keep` names pip packages to install although scoredock-server takes their place; `installer`
    is who is to install them. Raises SpecError for what cannot be made: an unknown Python, say.
    """
    keep = known_names(keep)
    notes = list(fields_without_effect(spec))
    variables = _variables(spec, notes)
    stages = _base_stages(spec, notes)
    if spec.python.user_managed_dependencies:
        environment = _user_managed(spec, variables, stages)
    else:
        environment = _made_by_installer(spec, variables, keep, installer, notes)
    if stages:
        version = environment.python_version
        known = not stages.image or f"python:{version}" in stages.image
        if environment.installer == "pip" and not known:
            notes.append(
                f"{spec.where('docker.baseDockerfile')} has to bring Python {version} as python3: "
                "--installer conda brings one"
            )
        environment = replace(
            environment,
            base_image=stages.image or environment.base_image,
            base_argument=stages.open_image,
            base_stage=stages.stage,
            base_dockerfile=stages.text,
            base_files=stages.files,
        )
    options, more = runtime_options(spec)
    return replace(environment, service_options=options, platform=platform_of(spec)), notes + more


def _user_managed(
    spec: EnvironmentSpec, variables: Variables, stages: BaseStages | None
) -> ResolvedEnvironment:
    """Return an environment that is the base image's own, with the server added to it."""
    image = stages.image if stages else (spec.docker or DockerSection()).base_image
    if not image:
        raise SpecError(
            "expected an image that holds Python and every package, found none",
            path=spec.where("docker.baseImage"),
            hint="python.userManagedDependencies is true, so nothing else would be installed",
        )
    return ResolvedEnvironment(
        name=one_line(spec.name or "environment", spec.where("name")),
        version=one_line(spec.version or "", spec.where("version")),
        installer="none",
        installer_reason="python.userManagedDependencies is true",
        base_image=_image_name(image, spec.where("docker.baseImage")),
        interpreter=one_line(
            spec.python.interpreter_path or "python3", spec.where("python.interpreterPath")
        ),
        variables=variables,
    )


def _made_by_installer(
    spec: EnvironmentSpec,
    variables: Variables,
    keep: Collection[str],
    installer: InstallerChoice,
    notes: list[str],
) -> ResolvedEnvironment:
    conda = spec.python.conda_dependencies or CondaDependencies()
    packages = choose_packages(conda, installer=installer, keep=keep, notes=notes)
    return ResolvedEnvironment(
        name=one_line(spec.name or "environment", spec.where("name")),
        version=one_line(spec.version or "", spec.where("version")),
        installer=packages.installer,
        installer_reason=packages.reason,
        base_image=_plain_base_image(spec, packages, notes),
        build_image=str(defaults()["build_image"]) if packages.installer == "conda" else "",
        interpreter="python3",
        python_version=packages.python_version,
        pip_requirement=packages.pip_requirement,
        channels=packages.channels,
        conda_packages=packages.conda_packages,
        pip_packages=packages.pip_packages,
        pip_constraints=packages.pip_constraints,
        variables=variables,
        keep=tuple(sorted(set(keep) & set(defaults()["trimmed"]))),
    )


def _base_stages(spec: EnvironmentSpec, notes: list[str]) -> BaseStages | None:
    """Return the stages of the spec's own Dockerfile; a context elsewhere is a SpecError."""
    docker = spec.docker or DockerSection()
    if docker.build_context is not None:
        location = docker.build_context.location or "none"
        raise SpecError(
            f"a build context elsewhere is not fetched, found {_without_query(location)!r}",
            path=spec.where("docker.buildContext"),
            hint="download it, put its Dockerfile beside the spec as BaseDockerfile with the "
            "files that it takes, and remove docker.buildContext",
        )
    if not docker.base_dockerfile:
        return None
    stages, more = base_stages(docker.base_dockerfile, place=spec.where("docker.baseDockerfile"))
    notes += more
    return stages


def _without_query(url: str) -> str:
    """Return a URL without its query, which may hold a signature."""
    return url.split("?")[0]


def _plain_base_image(spec: EnvironmentSpec, packages: Packages, notes: list[str]) -> str:
    docker = spec.docker or DockerSection()
    chosen = docker.base_image or ""
    plain = str(defaults()["base_images"][packages.installer])
    plain = plain.replace("X.Y", packages.python_version)
    replaced = chosen.startswith(tuple(defaults()["replaced_base_images"]))
    if chosen and not replaced:
        return _image_name(chosen, spec.where("docker.baseImage"))
    if packages.installer == "pip" and not docker.base_dockerfile:
        notes += missing_libraries(packages.pip_packages, plain)
    if not replaced:
        return plain
    notes.append(
        f"{spec.where('docker.baseImage')} {chosen} is replaced by {plain}, all that is needed"
    )
    asked = docker.gpu_support or any("gpu" in word for word in docker.arguments or ())
    if re.search("gpu|cuda", chosen) and not asked:
        notes.append(
            f"{spec.where('docker.baseImage')} is one for GPUs, and the spec asks for none: "
            'docker.arguments ["--gpus", "all"] gives them to the container'
        )
    return plain


def _image_name(name: str, path: str) -> str:
    """Return the name of an image; raises SpecError for what cannot be one."""
    if not _IMAGE_NAME.fullmatch(one_line(name, path)):
        raise SpecError(f"expected the name of an image, found {name!r}", path=path)
    return name


def _variables(spec: EnvironmentSpec, notes: list[str]) -> Variables:
    variables = []
    for name, value in (spec.environment_variables or {}).items():
        path = spec.where(f"environmentVariables.{name}")
        if (name, value) in defaults()["example_variables"].items():
            notes.append(f"{path} is the reference SDK's example and is left out")
            continue
        if not VARIABLE_NAME.fullmatch(name):
            raise SpecError("expected a name of letters, digits, _ . and -", path=path)
        variables.append((name, one_line("" if value is None else str(value), path)))
    return tuple(variables)
