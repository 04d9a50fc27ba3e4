"""How a service is deployed on this machine, and what of a program is to be served."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoredock.errors import WorkspaceError
from scoredock.sdk.environment_images import make
from scoredock.sdk.errors import ModelPathNotFoundException, WebserviceException, raised_as
from scoredock.sdk.inference_config import InferenceConfig
from scoredock.sdk.model import Model, Models
from scoredock.sdk.settings import chosen_runtime, start_period
from scoredock.sdk.workspace import Workspace
from scoredock.webservice.asked import find_model, mounted
from scoredock.webservice.environment import Told
from scoredock.webservice.record import MountedModel, RuntimeName, ServiceRecord
from scoredock.webservice.wanted import Code, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWebserviceDeploymentConfiguration:
    """A port of this machine, 0 for any; and where a service runs: docker, process, or auto."""

    port: int = 0
    runtime: str | None = None

    def chosen(self) -> RuntimeName:
        """Return the runtime."""
        return chosen_runtime(self.runtime)


def configuration(port: int | None, runtime: str | None) -> LocalWebserviceDeploymentConfiguration:
    """Return a configuration. Raises WebserviceException for what is no port."""
    if port is not None and (type(port) is not int or not 0 <= port <= 65535):
        raise WebserviceException(
            f"Invalid configuration, port must be an integer in range [1, 65535], found {port!r}"
        )
    return LocalWebserviceDeploymentConfiguration(port=port or 0, runtime=runtime)


def checked(given: Any) -> LocalWebserviceDeploymentConfiguration:
    """Return what is given, or the default. Raises WebserviceException for another type."""
    if given is None:
        return LocalWebserviceDeploymentConfiguration()
    if not isinstance(given, LocalWebserviceDeploymentConfiguration):
        raise WebserviceException(
            f"deployment_config: expected one of LocalWebservice.deploy_configuration(), found "
            f"{type(given).__name__}"
        )
    return given


def checked_config(given: Any) -> InferenceConfig:
    """Return what is given. Raises WebserviceException where that says nothing to be served."""
    if given is None:
        raise WebserviceException(
            "expected an inference configuration, found none: a model is not served without an "
            "entry script",
            hint="InferenceConfig(entry_script='score.py', environment=…)",
        )
    if not isinstance(given, InferenceConfig):
        raise WebserviceException(
            f"inference_config: expected an InferenceConfig, found {type(given).__name__}"
        )
    return given


def models_to_mount(workspace: Workspace, models: Models) -> list[MountedModel | Path]:
    """Return models as a service takes them: registered ones, and files or folders that are not."""
    if isinstance(models, str | Path | Model):
        models = [models]
    return [_model_to_mount(workspace, each) for each in models]


def _model_to_mount(workspace: Workspace, model: Any) -> MountedModel | Path:
    if isinstance(model, Model):
        return mounted(model.inner)
    if not isinstance(model, str | Path):
        raise NotImplementedError(f"expected a model, its id or a path, found {model!r}")
    try:
        found = find_model(workspace.inner, str(model))
    except WorkspaceError as error:
        if Path(model).exists():
            return Path(model).absolute()
        raise ModelPathNotFoundException(
            f"{model}: neither a registered model nor a file or folder"
        ) from error
    return found.absolute() if isinstance(found, Path) else found


def to_serve(
    workspace: Workspace,
    name: str,
    *,
    models: Models | None,
    config: InferenceConfig | None,
    serving: ServiceRecord | None,
    runtime: RuntimeName,
    port: int,
    told: Told,
    debug_port: int | None = None,
) -> Wanted:
    """Return what a service is to serve, with its environment made where it is not there yet.

    Of the service that is `serving` stays what is None: its environment, and its code as that is
    now in the folder that it came from.
    """
    with raised_as(WebserviceException):
        mounts = models_to_mount(workspace, models) if models is not None else None
        period = start_period()
        if config is None and serving is not None:
            return Wanted(
                code=_same_code(serving), models=mounts, port=port, start_period=period,
                debug_port=debug_port,
            )  # fmt: skip
        config = checked_config(config)
        with config.environment_of(name).in_folder() as folder:
            made = make(folder, runtime, told)
        return Wanted(
            environment=made,
            code=config.code(workspace.inner.services / name),
            models=mounts,
            port=port,
            start_period=period,
            debug_port=debug_port,
            description=config.description,
        )


def _same_code(record: ServiceRecord) -> Code:
    """Return the code that is served, from where it came; as it is where that is gone."""
    serving = record.serving
    source = Path(serving.source)
    if not (source / serving.entry_script).is_file():
        return Code()
    return Code(source=source, source_name=serving.source_name, entry_script=serving.entry_script)
