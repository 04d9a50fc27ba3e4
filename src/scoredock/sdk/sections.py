"""The sections of an environment, as attributes that a program sets; spec.py is what they become.

A name that a section does not have is an AttributeError, as in the reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from io import TextIOBase
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import SecretStr
from pydantic.alias_generators import to_camel

from scoredock import spec
from scoredock.output import warn
from scoredock.sdk.conda_dependencies import CondaDependencies
from scoredock.sdk.errors import UserErrorException

# What the image is built from: one of these, so that each takes the place of the others.
_ONE_OF: Final = ("base_image", "base_dockerfile", "build_context")
AnySection = TypeVar("AnySection")


@dataclass(slots=True)
class PythonSection:
    """Who provides Python and its packages."""

    user_managed_dependencies: bool = False
    interpreter_path: str | None = "python"
    conda_dependencies_file: str | None = None
    base_conda_environment: str | None = None
    conda_dependencies: CondaDependencies | None = field(default_factory=CondaDependencies)


@dataclass(slots=True)
class ContainerRegistry:
    """The registry of the base image: `docker login` has its credentials, nothing else does."""

    address: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    registry_identity: dict[str, Any] | None = None


@dataclass(slots=True)
class Platform:
    """What the image runs on; amd64 stands for the machine's own."""

    os: str | None = "Linux"
    architecture: str | None = "amd64"


@dataclass(slots=True)
class DockerSection:
    """The image to start from, and how its container runs."""

    enabled: bool = False
    base_image: str | None = None
    base_dockerfile: str | None = None
    build_context: dict[str, Any] | None = None
    shared_volumes: bool | None = True
    gpu_support: bool | None = None
    shm_size: str | None = "2g"
    arguments: list[str] = field(default_factory=list)
    base_image_registry: ContainerRegistry = field(default_factory=ContainerRegistry)
    platform: Platform = field(default_factory=Platform)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "base_dockerfile":
            value = dockerfile_text(value)
        if name in _ONE_OF and value is not None:
            for other in (each for each in _ONE_OF if each != name):
                if getattr(self, other, None) is not None:
                    warn(f"docker.{other} is reset: docker.{name} takes its place")
                    object.__setattr__(self, other, None)
        object.__setattr__(self, name, value)


def dockerfile_text(given: Any) -> str | None:
    """Return the text of a Dockerfile that is given as its path, as an open file or as itself."""
    if given is None:
        return None
    if isinstance(given, TextIOBase) or hasattr(given, "read"):
        text: str | bytes = given.read()
        return text.decode("utf-8") if isinstance(text, bytes) else text
    path = dockerfile_path(given)
    return path.read_text(encoding="utf-8") if path else str(given)


def dockerfile_path(given: Any) -> Path | None:
    """Return the path that a Dockerfile is given as, or None where it is no path of a file.

    Raises UserErrorException for a path where nothing is.
    """
    if not isinstance(given, str | Path) or "\n" in str(given):
        return None
    path = Path(given)
    if path.is_file():
        return path
    if isinstance(given, Path) or not str(given).lstrip().upper().startswith(("FROM", "ARG", "#")):
        raise UserErrorException(f"{given}: expected a Dockerfile, its path or its text")
    return None


def section_data(section: Any) -> dict[str, Any]:
    """Return a section with the keys of azureml_environment.json."""
    data = {to_camel(each.name): getattr(section, each.name) for each in fields(section)}
    if data.get("gpuSupport", True) is None:
        del data["gpuSupport"]  # the reference has had none since 1.0.85
    for key in ("baseImageRegistry", "platform"):
        if data.get(key) is not None:
            data[key] = section_data(data[key])
    if "condaDependencies" in data:
        conda = data.pop("condaDependencies")
        data |= {"condaDependencies": conda.to_spec()} if conda is not None else {}
    return data


def section_of(kind: type[AnySection], written: spec.Section | None) -> AnySection:
    """Return what a spec has of a section; what is absent there is None, as in the reference."""
    values: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type] # every kind is a dataclass
        values[each.name] = _value(getattr(written, each.name, None))
    return kind(**{name: _in_place(name, value) for name, value in values.items()})


def _value(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value


def _in_place(name: str, value: Any) -> Any:
    """Return the value of a field, with sections made of sections."""
    if name == "base_image_registry":
        return section_of(ContainerRegistry, value)
    if name == "platform":
        return section_of(Platform, value)
    if name == "conda_dependencies":
        return CondaDependencies.of_spec(value) if value is not None else None
    if name == "arguments":
        return value or []
    if isinstance(value, spec.Section):
        return value.model_dump(by_alias=True, exclude_unset=True)
    return bool(value) if name in ("enabled", "user_managed_dependencies") else value


def plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a copy of what is carried along unread: spark, databricks, r."""
    return None if values is None else dict(values)
