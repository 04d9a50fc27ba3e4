"""One version of a model in the workspace: what is known of it, what changes, its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scoredock import registry, stored
from scoredock.output import warn
from scoredock.sdk.errors import WebserviceException, raised_as
from scoredock.sdk.workspace import Workspace
from scoredock.webservice.uses import refuse_used


class RegisteredModel:
    """One version of a model; tags and description change, all else stays."""

    workspace: Workspace
    inner: registry.Model

    class Framework:
        """The frameworks that a model may name."""

        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        TFKERAS = "TfKeras"
        PYTORCH = "PyTorch"
        MULTI = "Multi"

    # --- what is known of it ---

    @property
    def name(self) -> str:
        """What it is called."""
        return self.inner.name

    @property
    def version(self) -> int:
        """Its number."""
        return self.inner.version

    @property
    def id(self) -> str:
        """`NAME:VERSION`."""
        return self.inner.id

    @property
    def description(self) -> str:
        """A sentence about it."""
        return self.inner.description

    @property
    def tags(self) -> dict[str, str]:
        """What can be changed, as a copy."""
        return dict(self.inner.tags)

    @property
    def properties(self) -> dict[str, str]:
        """What stays, as a copy."""
        return dict(self.inner.properties)

    @property
    def model_framework(self) -> str:
        """What it was trained with."""
        return self.inner.framework

    @property
    def model_framework_version(self) -> str | None:
        """The framework's version."""
        return self.inner.framework_version or None

    @property
    def created_time(self) -> Any:
        """When it was registered: a datetime."""
        return self.inner.created

    @property
    def url(self) -> str:
        """Where the workspace keeps it."""
        return self.inner.path.as_uri()

    def serialize(self) -> dict[str, Any]:
        """Return all that is known of it, by the reference's keys."""
        nothing = dict.fromkeys(
            ("createdBy", "experimentName", "runId", "runDetails", "resourceConfiguration",
             "sampleInputDatasetId", "sampleOutputDatasetId"),
        )  # fmt: skip
        return {
            "createdTime": self.created_time.isoformat(),
            "description": self.description,
            "id": self.id,
            "mimeType": "application/x-python",
            "name": self.name,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": self.tags,
            "properties": self.properties,
            "unpack": False,
            "url": self.url,
            "version": self.version,
            "datasets": [],
            **nothing,
        }

    # --- changed ---

    def update(
        self,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> None:
        """Replace the tags, the description or both; None leaves what is there."""
        without_effect(
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        with raised_as(WebserviceException):
            self.inner = registry.update(
                self.workspace.inner, self.inner, tags=tags, description=description
            )

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Add tags, or give those that are there another value."""
        with raised_as(WebserviceException):
            self.inner = registry.add_tags(self.workspace.inner, self.inner, tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by their keys."""
        with raised_as(WebserviceException):
            self.inner = registry.remove_tags(self.workspace.inner, self.inner, tags)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties; one that is there stays as it is, and another value is an error."""
        with raised_as(WebserviceException):
            self.inner = registry.add_properties(self.workspace.inner, self.inner, properties)

    def update_tags_properties(
        self,
        add_tags: Mapping[str, Any] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Do what add_properties, add_tags and remove_tags do, the properties first."""
        if add_properties:
            self.add_properties(add_properties)
        if add_tags:
            self.add_tags(add_tags)
        if remove_tags:
            self.remove_tags(remove_tags)

    def add_dataset_references(self, datasets: Any) -> None:
        """Say that there are no data sets here."""
        without_effect(datasets=datasets)

    def delete(self) -> None:
        """Delete this version; its number is not given again.

        Raises WebserviceException where a service mounts it.
        """
        with raised_as(WebserviceException):
            refuse_used(self.workspace.inner.folder, self.inner)
            registry.delete(self.workspace.inner, self.inner)

    # --- its files ---

    def download(
        self, target_dir: str | Path = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        """Copy its file or folder into `target_dir` and return the path of the copy."""
        if exists_ok is not None:
            raise WebserviceException("exists_ok is called exist_ok")
        target = Path(target_dir) / self.inner.entry
        if target.exists() and not exist_ok:
            raise WebserviceException(
                f"File already exists. To overwrite, set exist_ok to True. {target}"
            )
        with raised_as(WebserviceException):
            return str(stored.download(self.inner, Path(target_dir), exist_ok=exist_ok))

    def get_sas_urls(self) -> dict[str, str]:
        """Return the URL of each file by its path: files of this machine."""
        folder = self.inner.files_folder
        return {file.path: (folder / file.path).as_uri() for file in self.inner.files}

    def __repr__(self) -> str:
        return f"Model(name={self.name}, id={self.id}, version={self.version})"


def without_effect(**given: Any) -> None:
    """Say of each argument that is given that it has no effect here."""
    for name, value in given.items():
        if value is not None:
            warn(f"{name} has no effect: it is of the cloud")
