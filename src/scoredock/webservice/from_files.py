"""From what the files of a deployment ask for to what a service is to serve."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scoredock import environments, registry
from scoredock.deployment import Deployment
from scoredock.errors import SpecError, WorkspaceError
from scoredock.formats.reading import Reading
from scoredock.formats.service_reading import (
    ModelPath,
    Reference,
    ServiceReading,
    register_command,
)
from scoredock.webservice.asked import mounted, script_alone, to_be_made
from scoredock.webservice.record import MountedModel, ServiceError, check_name
from scoredock.webservice.wanted import Code, LocalModel, Wanted
from scoredock.workspace import Workspace


def service_name(reading: ServiceReading, given: str | None) -> str:
    """Return the name that is given, or else what the files make of it. Raises SpecError."""
    if given:
        return check_name(given)
    hint = "say how the service is to be called: scoredock service deploy NAME -f FILE"
    if not reading.name:
        place = reading.name_place or reading.label
        raise SpecError("expected a name for the service, found none", path=place, hint=hint)
    try:
        return check_name(reading.name)
    except ServiceError as error:
        raise SpecError(str(error), path=reading.name_place, hint=hint) from error


def with_files(
    workspace: Workspace,
    reading: ServiceReading,
    options: Wanted,
    *,
    building: Mapping[str, Any],
    folder: Path,
) -> Wanted:
    """Return what the files ask for, and in its place what the options do.

    In `folder` is a link made to a script that has no folder of its own. Raises SpecError, with the
    place, for a model or an environment that is not there.
    """
    environment = options.environment
    if environment is None and reading.environment is not None:
        environment = _environment(workspace, reading.environment, building)
    models: Any = options.models
    if models is None and reading.models is not None:
        models = [_model(workspace, each) for each in reading.models]
    return replace(
        options,
        environment=environment,
        code=_code(reading, options.code, folder),
        models=models,
        variables=_merged(reading.variables, options.variables),
        port=options.port or reading.port,
        start_period=options.start_period or reading.start_period,
        description=options.description or reading.description,
        tags=_merged(reading.tags, options.tags),
    )


def _merged(
    told: Mapping[str, str] | None, asked: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    return asked if told is None else {**told, **(asked or {})}


def _code(reading: ServiceReading, asked: Code, folder: Path) -> Code:
    if asked.source is not None:
        return replace(asked, is_root=reading.source_is_root)
    if reading.source is not None:
        return Code(
            source=reading.source,
            source_name=asked.source_name,
            entry_script=asked.entry_script or reading.entry_script,
            is_root=reading.source_is_root,
        )
    script = Path(asked.entry_script or reading.entry_script)
    if not script.is_file() or script.suffix != ".py":
        raise SpecError(
            f"names {script.name!r}, which is not there"
            if script.suffix == ".py"
            else f"expected a file of Python, found {script.name!r}",
            path=f"{reading.label}: entryScript",
            hint="paths start at sourceDirectory, or at the file's folder where there is none",
        )
    return replace(script_alone(script, folder), is_root=False)


def _environment(
    workspace: Workspace, wanted: Reading | Reference, building: Mapping[str, Any]
) -> Deployment:
    if isinstance(wanted, Reading):
        return to_be_made(wanted.files[0], reading=wanted, **building)
    try:
        found = environments.get(workspace, wanted.text)
    except WorkspaceError as error:
        raise _missing(wanted, "environment", error) from error
    return to_be_made(found.folder, **building)


def _model(workspace: Workspace, wanted: Reference | ModelPath) -> MountedModel | LocalModel:
    if isinstance(wanted, ModelPath):
        return LocalModel(path=wanted.path, name=wanted.name, version=wanted.version)
    try:
        return mounted(registry.find(workspace, wanted.text))
    except WorkspaceError as error:
        raise _missing(wanted, "model", error) from error


def _missing(wanted: Reference, kind: str, error: WorkspaceError) -> SpecError:
    name, _, _ = wanted.text.partition(":")
    return SpecError(str(error), path=wanted.place, hint=register_command(kind, name))
