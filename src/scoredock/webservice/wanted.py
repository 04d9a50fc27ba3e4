"""What a service is asked to serve, and the revision that it becomes."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from scoredock.context import copy_source, find_code, set_modes
from scoredock.debugger import Fetching, debugpy_for_image, debugpy_for_prefix
from scoredock.deployment import Deployment, reach
from scoredock.development import fetching_of
from scoredock.keys import first_key
from scoredock.port import free_port
from scoredock.webservice.environment import MadeEnvironment, Told, make_environment
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.record import (
    MountedModel,
    Revision,
    RuntimeName,
    ServiceError,
    ServiceRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The entry script; what is empty stays as it is."""

    source: Path | None = None
    source_name: str = ""
    entry_script: str = ""
    is_root: bool | None = None
    """Whether AML_APP_ROOT is the script's own folder, as for a v2 deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model that is not registered: it is mounted as what `name` and `version` say."""

    path: Path
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a service is to serve; what is None stays as it is."""

    environment: Deployment | MadeEnvironment | None = None
    """A spec, with what a build needs, whose code and models count for nothing here; or what was
    made of one for the same runtime."""
    code: Code = Code()
    models: Sequence[MountedModel | LocalModel | Path] | None = None
    """Registered ones, and files or folders that are not."""
    variables: Mapping[str, str] | None = None
    bind: str | None = None
    port: int | None = None
    start_period: str | None = None
    key_file: Path | None = None
    """With the keys that requests have to send; it is copied."""
    debug_port: int | None = None
    """Where a debugger attaches, on loopback; 0: none is let in."""
    description: str | None = None
    tags: Mapping[str, str] | None = None


def next_revision(
    folder: ServiceFolder,
    record: ServiceRecord,
    wanted: Wanted,
    told: Told,
    *,
    leave_out: Path,
) -> tuple[ServiceRecord, Revision]:
    """Write down what is to be served, and copy its code; nothing that runs is touched.

    `leave_out` is the workspace, which may lie in the source folder. Raises ServiceError for what
    is missing, SpecError and EngineError where the environment cannot be made.
    """
    old = record.serving if record.current else Revision(number=0)
    if wanted.key_file:
        first_key(wanted.key_file)  # what the server could not use changes nothing
    if not (old.number or (wanted.environment and wanted.code.source)):
        missing = "an entry script" if wanted.environment else "an environment"
        raise ServiceError(f"{record.name}: expected {missing} to deploy, found none")
    number = max((each.number for each in record.revisions), default=0) + 1
    shutil.rmtree(folder.revision(number), ignore_errors=True)  # of one that was refused
    given: dict[str, Any] = {
        "variables": wanted.variables,
        "start_period": wanted.start_period,
        "debug_port": wanted.debug_port,
    }
    if wanted.models is not None:
        given["models"] = mounted_models(wanted.models, folder.revision(number) / "models")
    if wanted.code != Code():
        given |= _code(wanted.code, old)
    if wanted.environment is not None:
        given |= _environment(wanted.environment, record.runtime, told)
    revision = replace(old, number=number, created=now(), **_present(given))
    if revision.debug_port:
        revision = replace(revision, debugpy=_debugpy(wanted, revision, record.runtime, told))
    source = wanted.code.source or folder.code(old.number)
    fill(folder.code(number), source, leave_out=leave_out, whole=revision.source_is_root)
    settings = {
        "bind": wanted.bind,
        "port": wanted.port or record.port or free_port(),
        "description": wanted.description,
        "tags": wanted.tags,
        "key_file": str(folder.keep_keys(wanted.key_file)) if wanted.key_file else None,
        "holder": record.holder or revision.environment,
    }
    return replace(record, **_present(settings)).with_revision(revision), revision


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is not None."""
    return {name: value for name, value in values.items() if value is not None}


def _code(wanted: Code, old: Revision) -> dict[str, Any]:
    source = wanted.source or Path(old.source)
    entry_script = wanted.entry_script or old.entry_script or "score.py"
    name = wanted.source_name or ("" if wanted.source else old.source_name)
    code = find_code(source, entry_script, name=name)
    return {
        "source_name": code.source_name,
        "entry_script": code.entry_script,
        "source": str(source.resolve()),
        "source_is_root": old.source_is_root if wanted.is_root is None else wanted.is_root,
    }


def _environment(
    wanted: Deployment | MadeEnvironment, runtime: RuntimeName, told: Told
) -> dict[str, Any]:
    made = wanted
    if isinstance(made, Deployment):
        made = make_environment(made, runtime, told)
    found = {"environment": made.place, "environment_name": made.env.name}
    if runtime == "docker":  # the image has its variables
        return found | {"service_options": made.env.service_options}
    return found | {"environment_variables": dict(made.env.variables)}


def _debugpy(wanted: Wanted, revision: Revision, runtime: RuntimeName, told: Told) -> str:
    made = wanted.environment
    fetching = fetching_of(reach(made)) if isinstance(made, Deployment) else Fetching()
    place = revision.environment
    if runtime == "docker":
        return str(debugpy_for_image(place, fetching, report=told.report))
    return str(debugpy_for_prefix(Path(place), fetching, report=told.report))


def mounted_models(
    models: Sequence[MountedModel | LocalModel | Path], copies: Path
) -> tuple[MountedModel, ...]:
    """Return the models as a revision has them; what is not registered is copied into `copies`."""
    named = [_named(each) if isinstance(each, Path) else each for each in models]
    places = [(each.name, each.version) for each in named]
    for place in places:
        if places.count(place) > 1:
            raise ServiceError(f"two models are called {place[0]}: register them by other names")
    return tuple(_copied(each, copies) if isinstance(each, LocalModel) else each for each in named)


def _named(path: Path) -> LocalModel:
    # As in the reference: the first 30 characters, and a version that no registry gives.
    return LocalModel(path=path, name=path.name[:30], version="0")


def _copied(model: LocalModel, copies: Path) -> MountedModel:
    folder = copies / model.name / model.version
    _copy(model.path, folder / model.path.name)
    return MountedModel(name=model.name, version=model.version, folder=str(folder))


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target)
    elif path.is_file():
        shutil.copy2(path, target)
    else:
        raise ServiceError(f"{path}: no such model")
    for each in (target, *target.rglob("*")):  # the container has another user
        each.chmod(each.stat().st_mode | (0o555 if each.is_dir() else 0o444))


def fill(folder: Path, source: Path, *, leave_out: Path, whole: bool = False) -> None:
    """Let `folder`, which may be mounted somewhere, hold what `source` holds but `leave_out`.

    And but its models, unless it is to be the `whole` folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source, leave_out = source.resolve(), leave_out.resolve()
    _empty(folder, source)
    within = [leave_out] if leave_out.is_relative_to(source) else []
    copy_source(source, folder, *([] if whole else [source / "models"]), *within)
    set_modes(folder)


def _empty(folder: Path, source: Path) -> None:
    """Remove all but folders that `source` has, too: a server may have one as its own."""
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        elif (source / path.name).is_dir():
            _empty(path, source / path.name)
        else:
            shutil.rmtree(path)


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
