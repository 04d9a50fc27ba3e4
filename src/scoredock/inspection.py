"""What a spec is, what will be made of it and why: for `scoredock inspect`."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scoredock.errors import SpecError
from scoredock.formats.reading import Reading
from scoredock.masking import MASK, mask_all
from scoredock.resolve import ResolvedEnvironment
from scoredock.spec import SPEC_FILE, DockerSection, EnvironmentSpec

# A variable whose value must not be repeated.
_SECRET_NAME = re.compile(r"key|secret|password|passwd|token|credential|sas", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A reading with what `resolve` made of it, or the error where it could make nothing."""

    path: Path
    reading: Reading
    env: ResolvedEnvironment | None = None
    notes: tuple[str, ...] = ()
    error: SpecError | None = None


def error_data(error: SpecError) -> dict[str, str]:
    """Return what is wrong, for JSON."""
    return {"place": error.path, "message": str(error), "hint": error.hint}


def inspection_data(found: Inspection) -> dict[str, Any]:
    """Return everything that was found, for JSON; without credentials."""
    reading = found.reading
    data = {
        "form": reading.form,
        "reason": reading.reason,
        "files": [str(path) for path in reading.files],
        "name": reading.spec.name,
        "version": reading.spec.version,
        "environment": _environment(found.reading, found.env) if found.env else None,
        "registry": _registry(found),
        "told": asdict(reading.told),
        "warnings": list(reading.warnings),
        "notes": list(found.notes),
        "error": error_data(found.error) if found.error else None,
        "next": _next(found) if found.env else [],
    }
    return {key: mask_all(value) for key, value in data.items()}


def _environment(reading: Reading, env: ResolvedEnvironment) -> dict[str, Any]:
    return {
        "python": {"version": env.python_version, "reason": _python_reason(env)},
        "installer": {"name": env.installer, "reason": env.installer_reason},
        "base_image": {"name": env.base_image, "reason": _image_reason(reading.spec, env)},
        "platform": env.platform,
        "channels": list(env.channels),
        "conda_packages": list(env.conda_packages),
        "pip_packages": [
            {"requirement": each.requirement, "replaced": each.replaced}
            for each in env.pip_packages
        ],
        "pip_constraints": list(env.pip_constraints),
        "variables": {
            name: MASK if _SECRET_NAME.search(name) else value for name, value in env.variables
        },
        "service_options": _without_secrets(env.service_options),
        "digest": env.digest,
    }


def _without_secrets(options: dict[str, Any]) -> dict[str, Any]:
    variables = {
        name: MASK if value and _SECRET_NAME.search(name) else value
        for name, value in options.get("environment", {}).items()
    }
    return options | ({"environment": variables} if variables else {})


def _python_reason(env: ResolvedEnvironment) -> str:
    if env.installer == "none":
        return f"{env.interpreter} of the base image"
    asked = next(
        (line for line in env.conda_packages if re.search(r"(^|::)python\b(?!-)", line)), ""
    )
    return f"the spec asks for {asked}" if asked else "the spec names none"


def _image_reason(spec: EnvironmentSpec, env: ResolvedEnvironment) -> str:
    docker = spec.docker or DockerSection()
    if env.base_stage and not env.base_argument:
        return "the last stage of the spec's own Dockerfile starts from it"
    if docker.base_image == env.base_image:
        return f"{spec.where('docker.baseImage')} says so"
    if docker.base_image:
        return f"in place of {docker.base_image}, which brings more than is needed"
    return f"what installer {env.installer} needs"


def _registry(found: Inspection) -> dict[str, str] | None:
    docker = found.reading.spec.docker
    registry = docker.base_image_registry if docker else None
    if registry is None or not registry.address:
        return None
    credentials = MASK if registry.username or registry.password else ""
    return {"address": registry.address, "credentials": credentials}


def _next(found: Inspection) -> list[str]:
    told, path = found.reading.told, str(found.path)
    up = ["scoredock", "up", "--spec", path]
    up += ["--source", told.source] if told.source else []
    up += ["--entry-script", told.entry_script] if told.entry_script else []
    commands = [up, ["scoredock", "render", "--spec", path, "--output", "context"]]
    if found.reading.files[0].name != SPEC_FILE:
        commands.append(["scoredock", "convert", path, "--output", "environment"])
    return [shlex.join(command) for command in commands]


def inspection_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `inspection_data` tells for people: lines under headings."""
    yield from _section("form", f"{data['form']}: {data['reason']}")
    yield from _section("files", *data["files"])
    yield from _section("name", " ".join(filter(None, (data["name"], data["version"]))))
    if env := data["environment"]:
        yield from _environment_lines(env)
    if registry := data["registry"]:
        hidden = ", with credentials that are not shown" if registry["credentials"] else ""
        yield from _section("registry", f"{registry['address']}{hidden}")
    told = data["told"]
    yield from _section("entry script", told["entry_script"])
    yield from _section("source", told["source"])
    yield from _section("model", told["model"])
    yield from _section("tells", *(f"{name}: {text}" for name, text in told["settings"].items()))
    yield from _section("next", *data["next"])


def _environment_lines(env: dict[str, Any]) -> Iterator[str]:
    yield from _section("python", _with_reason(env["python"]["version"], env["python"]["reason"]))
    for heading in ("installer", "base_image"):
        chosen = _with_reason(env[heading]["name"], env[heading]["reason"])
        yield from _section(heading.replace("_", " "), chosen)
    yield from _section("platform", env["platform"])
    yield from _section("channels", ", ".join(env["channels"]))
    if env["installer"]["name"] != "none":
        yield from _section("conda", *env["conda_packages"])
    kept = [each["requirement"] for each in env["pip_packages"] if not each["replaced"]]
    yield from _section("pip", *kept)
    yield from _section("held to", *env["pip_constraints"])
    left_out = [each for each in env["pip_packages"] if each["replaced"]]
    yield from _section(
        "left out", *(f"{each['requirement']}: {each['replaced']}" for each in left_out)
    )
    yield from _section("variables", *(f"{name}={text}" for name, text in env["variables"].items()))
    options = env["service_options"].items()
    yield from _section("container", *(f"{name}: {value}" for name, value in options))


def _with_reason(choice: str, reason: str) -> str:
    return f"{choice}: {reason}" if choice else reason


def _section(heading: str, *lines: str) -> Iterator[str]:
    """Yield the lines under a heading; nothing where there are none."""
    for index, line in enumerate(filter(None, lines)):
        yield f"{heading if index == 0 else '':<13}{line}"
