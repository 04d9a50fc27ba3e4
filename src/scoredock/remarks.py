"""What a spec asks for that will not be there when it serves: said once, with the remedy."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from scoredock.defaults import defaults
from scoredock.pip_packages import PipPackage, project_name
from scoredock.spec import DockerSection, EnvironmentSpec

_WRITTEN_BY_SDK = re.compile(r"(?:python|pip|azureml-defaults)(?![\w.-])")


def missing_libraries(packages: Collection[PipPackage], image: str) -> Iterator[str]:
    """Yield a note for each package that loads a library of the system that `image` lacks."""
    for package in packages:
        libraries = defaults()["system_libraries"].get(project_name(package.requirement))
        if libraries and not package.replaced:
            yield (
                f"{package.requirement} needs {libraries}, which {image} lacks: install it in the "
                "block `system` of a template, or choose another --base-image"
            )


def fields_without_effect(spec: EnvironmentSpec) -> Iterator[str]:
    """Yield a note for each field that is set and changes nothing.

    What the reference SDK writes of its own accord (empty lists, `sharedVolumes: true`) is not
    worth one.
    """
    docker, python = spec.docker or DockerSection(), spec.python
    conda = python.conda_dependencies
    registry = docker.base_image_registry
    fields: tuple[tuple[str, Any, str], ...] = (
        (
            "python.baseCondaEnvironment",
            python.base_conda_environment,
            "the environment is made anew: list what that one has in the conda part",
        ),
        (
            "python.interpreterPath",
            not python.user_managed_dependencies
            and python.interpreter_path not in (None, "", "python"),
            "it counts where python.userManagedDependencies is true",
        ),
        (
            "python.condaDependencies.variables",
            conda and conda.variables,
            "use environmentVariables",
        ),
        (
            "docker.baseImageRegistry.registryIdentity",
            registry and registry.registry_identity and _values(registry.registry_identity),
            "identities of the cloud have no meaning here: log in with `docker login`",
        ),
        ("spark", (spec.spark or {}).get("packages"), "it concerns jobs"),
        ("databricks", any((spec.databricks or {}).values()), "it concerns jobs"),
        ("r", spec.r, "scoredock serves Python"),
        (
            "inferencingStackVersion",
            spec.inferencing_stack_version,
            "scoredock-server is always installed",
        ),
    )
    for path, value, remedy in fields:
        if value:
            yield f"{_place(spec, path)} is set and has no effect: {remedy}"
    if registry and (registry.username or registry.password):
        yield (
            f"{spec.where('docker.baseImageRegistry')} holds credentials in clear text, which are "
            f"not used: `docker login {registry.address or 'ADDRESS'}`, and remove them"
        )
    elif registry and registry.address:
        yield (
            f"{spec.where('docker.baseImageRegistry')}: if {registry.address} asks for "
            f"credentials, `docker login {registry.address}` first"
        )
    if python.user_managed_dependencies and conda and _installs(conda.dependencies):
        yield (
            f"{conda.where('dependencies')} is not installed: python.userManagedDependencies says "
            "that the base image has every package"
        )


def _place(spec: EnvironmentSpec, path: str) -> str:
    conda, inner = spec.python.conda_dependencies, "python.condaDependencies."
    if conda and path.startswith(inner):
        return conda.where(path.removeprefix(inner))
    return spec.where(path)


def _values(section: Any) -> list[Any]:
    return [value for _, value in section if value]


def _installs(dependencies: tuple[Any, ...]) -> bool:
    """Tell whether more is listed than what the SDK writes for every environment."""
    lines = [
        line for item in dependencies for line in ((item,) if isinstance(item, str) else item.pip)
    ]
    return not all(_WRITTEN_BY_SDK.match(line) for line in lines)
