"""Registered models, as a program has them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoredock import registry
from scoredock.sdk.errors import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    WebserviceException,
    raised_as,
)
from scoredock.sdk.filters import Filters, filters
from scoredock.sdk.model_paths import local_model_path
from scoredock.sdk.registered_model import RegisteredModel, without_effect
from scoredock.sdk.settings import report
from scoredock.sdk.workspace import Workspace

if TYPE_CHECKING:
    from scoredock.sdk.deployment import LocalWebserviceDeploymentConfiguration
    from scoredock.sdk.inference_config import InferenceConfig
    from scoredock.sdk.local_webservice import LocalWebservice
    from scoredock.sdk.package import ModelPackage
    from scoredock.sdk.profile import ModelProfile

Models = Sequence["Model | str | Path"]


class Model(RegisteredModel):
    """One version of a model; tags and description change, all else stays."""

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - the reference's name
        tags: Filters = None,
        properties: Filters = None,
        version: int | str | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        **_more: Any,
    ) -> None:
        """Find the newest version that has all that is asked for."""
        if name is None and id is None:
            raise WebserviceException("expected a name or an id, found neither")
        if run_id is not None:
            raise ModelNotFoundException(f"no model of the run {run_id}: there are no runs here")
        self.workspace = workspace
        try:
            with raised_as(WebserviceException):
                self.inner = registry.find(
                    workspace.inner,
                    id or name or "",
                    version=version,
                    tags=filters(tags),
                    properties=filters(properties),
                    framework=model_framework or "",
                )
        except ModelNotFoundException as error:
            raise ModelNotFoundException(
                f"ModelNotFound: Model with name {id or name} not found in provided workspace: "
                f"{error}"
            ) from error

    @classmethod
    def _of(cls, workspace: Workspace, inner: registry.Model) -> "Model":
        made = cls.__new__(cls)
        made.workspace, made.inner = workspace, inner
        return made

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: Mapping[str, Any]) -> "Model":
        """Return the model that serialize() told of, as it is now."""
        return Model(workspace, id=str(model_payload["id"]))

    # --- registered and found ---

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str | Path,
        model_name: str,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> "Model":
        """Copy a file or a folder into the workspace and return the model's next version."""
        path = Path(model_path)
        if not path.exists():
            raise ModelPathNotFoundException(f"Path does not exist: {path}")
        without_effect(
            datasets=datasets,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        report(f"Registering model {model_name}")
        with raised_as(WebserviceException):
            made = registry.register(
                workspace.inner,
                path,
                name=model_name,
                tags=tags,
                properties=properties,
                description=description or "",
                framework=model_framework or "",
                framework_version=model_framework_version or "",
                child_paths=child_paths or (),
                report=report,
            )
        return Model._of(workspace, made)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Filters = None,
        properties: Filters = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,  # noqa: ARG004 - all is at hand
        page_count: int = 255,  # noqa: ARG004
        model_framework: str | None = None,
    ) -> "Sequence[Model]":
        """Return the versions that have all that is asked for, by name, the oldest first."""
        if run_id is not None or dataset_id is not None:
            return []  # there are no runs and no data sets that one could come from
        with raised_as(WebserviceException):
            found = registry.list_models(
                workspace.inner,
                name=name,
                tags=filters(tags),
                properties=filters(properties),
                framework=model_framework or "",
                latest=latest,
            )
        return [Model._of(workspace, each) for each in found]

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: Workspace | None = None
    ) -> str:
        """Return the path of a model's one file or folder.

        With a workspace it is downloaded into azureml-models/NAME/VERSION, the newest version
        without one. Else it has to be there, below AML_APP_ROOT or the working directory.
        """
        if version is not None and type(version) is not int:
            raise WebserviceException(f"version should be an int, found {version!r}")
        if _workspace is None:
            return local_model_path(model_name, version)
        model = Model(_workspace, model_name, version=version)
        folder = Path("azureml-models", model.name, str(model.version))
        return model.download(folder, exist_ok=True)

    # --- served ---

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: Models,
        inference_config: "InferenceConfig | None" = None,
        deployment_config: "LocalWebserviceDeploymentConfiguration | None" = None,
        deployment_target: Any = None,
        overwrite: bool = False,  # noqa: ARG004 - a service of the name always gives way
        show_output: bool = False,
        *,
        debug: bool = False,
        debug_port: int = 5678,
    ) -> "LocalWebservice":
        """Make the environment, and return while the service is being started.

        A service of this name gives way once the new one serves. What keeps the environment from
        being made is raised here, what keeps the service from starting by wait_for_deployment().
        With `debug` a debugger can attach: see docs/debugging.md.
        """
        from scoredock.sdk.local_webservice import LocalWebservice

        without_effect(deployment_target=deployment_target)
        service = LocalWebservice(workspace, name, must_exist=False)
        port = debug_port if debug else 0
        service._deploy(
            models, inference_config, deployment_config, show_output=show_output, debug_port=port
        )
        return service

    @staticmethod
    def package(
        workspace: Workspace,
        models: Models,
        inference_config: "InferenceConfig | None" = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> "ModelPackage":
        """Return models, code and environment in one: a build context, or an image."""
        from scoredock.sdk.package import ModelPackage

        return ModelPackage(
            workspace,
            models,
            inference_config,
            generate_dockerfile=generate_dockerfile,
            image_name=image_name,
            image_label=image_label,
        )

    @staticmethod
    def profile(
        workspace: Workspace,
        profile_name: str,
        models: Models,
        inference_config: "InferenceConfig",
        input_dataset: Any = None,
        cpu: float | None = None,
        memory_in_gb: float | None = None,
        description: str | None = None,
        *,
        input_data: Any = None,
        requests: int = 100,
    ) -> "ModelProfile":
        """Measure how long answers to `input_data` take, in a service that is there for that."""
        from scoredock.sdk.profile import ModelProfile

        without_effect(input_dataset=input_dataset, cpu=cpu, memory_in_gb=memory_in_gb)
        return ModelProfile(
            workspace,
            profile_name,
            models,
            inference_config,
            input_data=input_data,
            requests=requests,
            description=description,
        )
