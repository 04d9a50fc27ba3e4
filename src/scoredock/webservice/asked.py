"""From what a person asks for to what a service is to serve."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from scoredock import environments, registry
from scoredock.deployment import Deployment, not_reaching
from scoredock.formats.reading import Reading
from scoredock.webservice.record import MountedModel
from scoredock.webservice.wanted import Code, Wanted
from scoredock.workspace import Workspace

# What a service calls the folder of a script that has none of its own.
_NO_FOLDER: Final = "code"


def asked(
    workspace: Workspace,
    *,
    environment: str | None,
    models: Sequence[str],
    no_models: bool,
    code: Code,
    building: Mapping[str, Any],
    debug_port: int | None = None,
    **settings: Any,
) -> Wanted:
    """Return what is wanted; what was not asked for is None, and stays as it is.

    Raises WorkspaceError for what is not there.
    """
    return Wanted(
        environment=to_be_made(_spec(workspace, environment), **building) if environment else None,
        code=code,
        models=[find_model(workspace, each) for each in models] if models or no_models else None,
        debug_port=debug_port,
        **{name: value or None for name, value in settings.items()},
    )


def to_be_made(spec: Path, *, reading: Reading | None = None, **building: Any) -> Deployment:
    """Return the environment of a spec; `building` are options of the build, as `ca_file`.

    `reading` is what was read of it already.
    """
    # Code and models are mounted: they are no part of it. What a build needs besides is found out
    # where there is one.
    return not_reaching(
        spec=spec, source=spec, entry_script="", models=spec, reading=reading, **building
    )


def find_model(workspace: Workspace, reference: str) -> MountedModel | Path:
    """Return the model of a reference or a path; NAME/… and ./NAME are always paths."""
    path = Path(reference)
    if path.exists() and ("/" in reference or path.suffix):
        return path
    return mounted(registry.find(workspace, reference))


def script_alone(script: Path, folder: Path) -> Code:
    """Return the code of a script that has no source folder: it alone is served.

    The service's `folder` links to it, so that a reload finds it as it is then.
    """
    script = script.absolute()
    digest = hashlib.sha256(str(script).encode()).hexdigest()[:12]
    folder = folder / "sources" / digest
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / script.name
    link.unlink(missing_ok=True)
    link.symlink_to(script)
    return Code(source=folder, source_name=_NO_FOLDER, entry_script=script.name)


def mounted(model: registry.Model) -> MountedModel:
    """Return a registered model as a revision has it."""
    return MountedModel(
        name=model.name,
        version=str(model.version),
        folder=str(model.files_folder),
        manifest=str(model.manifest_file),
    )


def _spec(workspace: Workspace, reference: str) -> Path:
    path = Path(reference)
    return path if path.exists() else environments.get(workspace, reference).folder
