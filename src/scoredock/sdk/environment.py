"""Environments of a program: a spec whose fields can be set, saved and registered."""

import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from scoredock import environments
from scoredock.output import note, warn
from scoredock.sdk.conda_dependencies import CondaDependencies
from scoredock.sdk.environment_fields import EnvironmentFields
from scoredock.sdk.environment_images import ImageBuildDetails, ImageDetails, image_details, make
from scoredock.sdk.environment_sources import (
    DockerBuildContext,
    conda_export,
    pip_dependencies,
)
from scoredock.sdk.errors import (
    AzureMLException,
    UserErrorException,
    raised_as,
)
from scoredock.sdk.sections import (
    ContainerRegistry,
    dockerfile_path,
)
from scoredock.sdk.workspace import Workspace


class Environment(EnvironmentFields):
    """What a service runs in; where it comes from, and what is made of it."""

    # --- from what there is ---

    @classmethod
    def from_conda_specification(cls, name: str, file_path: str | Path) -> "Environment":
        """Return what a conda file says; a Python without a version gets one, with a warning."""
        made = cls(name)
        made._set_packages(conda_specification=file_path)
        return made

    @classmethod
    def from_pip_requirements(
        cls, name: str, file_path: str | Path, pip_version: str | None = None
    ) -> "Environment":
        """Return what a requirements file says, installed with `pip_version` if that is given."""
        made = cls(name)
        made._set_packages(pip_requirements=file_path, pip_version=pip_version)
        return made

    @classmethod
    def from_existing_conda_environment(
        cls, name: str, conda_environment_name: str
    ) -> "Environment | None":
        """Return what an environment of this machine's conda holds, or None where it has none."""
        with tempfile.TemporaryDirectory() as folder:
            file = conda_export(conda_environment_name, Path(folder))
            if file is None:
                warn(f"conda has no environment {conda_environment_name!r}")
                return None
            return cls.from_conda_specification(name, file)

    @classmethod
    def from_dockerfile(
        cls,
        name: str,
        dockerfile: Any,
        conda_specification: str | Path | None = None,
        pip_requirements: str | Path | None = None,
    ) -> "Environment":
        """Return what a Dockerfile makes, given as path, open file or text, and packages over it.

        What it copies lies beside it. Without packages the image has all of them itself.
        """
        made = cls(name)
        made.docker.base_dockerfile = dockerfile
        path = dockerfile_path(dockerfile) if isinstance(dockerfile, str | Path) else None
        made._base_context = path.absolute().parent if path else None
        made._set_packages(conda_specification, pip_requirements)
        return made

    @classmethod
    def from_docker_image(
        cls,
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | Path | None = None,
        pip_requirements: str | Path | None = None,
    ) -> "Environment":
        """Return an image, and packages over it; without packages the image has all of them."""
        made = cls(name)
        made.docker.base_image = image
        if container_registry is not None:
            made.docker.base_image_registry = deepcopy(container_registry)
        made._set_packages(conda_specification, pip_requirements)
        return made

    @classmethod
    def from_docker_build_context(
        cls, name: str, docker_build_context: DockerBuildContext
    ) -> "Environment":
        """Return what the Dockerfile of a local folder makes, with the folder's files."""
        made = cls.from_dockerfile(name, docker_build_context.dockerfile)
        made._base_context = docker_build_context.folder
        return made

    # --- in the workspace ---

    def register(self, workspace: Workspace) -> "Environment":
        """Register this environment and return it as it is there, with its version.

        Where the newest version is the same, that is the one.
        """
        with raised_as(UserErrorException):
            spec = self.to_spec()
            context = self.base_context(spec)
            made = environments.register(workspace.inner, spec, base_context=context, warn=warn)
            return Environment.of_reading(made.read())

    @staticmethod
    def get(
        workspace: Workspace, name: str, version: str | int | None = None, label: str | None = None
    ) -> "Environment":
        """Return a version, the newest without one; UserErrorException where it is not there."""
        if version is not None and label is not None:
            raise UserErrorException("Only one of version or label can be specified")
        if label not in (None, "latest"):
            raise UserErrorException(
                f"expected the label 'latest', found {label!r}: labels are not kept here",
                hint="name a version",
            )
        with raised_as(UserErrorException):
            return Environment.of_reading(
                environments.get(workspace.inner, name, version=version).read()
            )

    @staticmethod
    def list(workspace: Workspace) -> dict[str, "Environment"]:
        """Return the newest version of each environment, by its name."""
        with raised_as(UserErrorException):
            found = environments.list_environments(workspace.inner, latest=True)
            return {each.name: Environment.of_reading(each.read()) for each in found}

    @staticmethod
    def label(workspace: Workspace, name: str, version: str, labels: Sequence[str]) -> None:  # noqa: ARG004
        """Refuse: labels are not kept here; `latest` is always the newest version."""
        raise UserErrorException("labels are not kept here", hint="use the version itself")

    @staticmethod
    def add_private_pip_wheel(
        workspace: Workspace,  # noqa: ARG004 - it has no place for wheels
        file_path: str | Path,
        exist_ok: bool = False,  # noqa: ARG004
    ) -> str:
        """Refuse: there is no storage that a build could fetch a wheel from."""
        raise UserErrorException(
            f"{file_path}: a wheel of this machine cannot be taken along",
            hint="put it on a package index and name that in a pip.conf: PIP_CONFIG",
        )

    # --- made ---

    def get_image_details(self, workspace: Workspace) -> ImageDetails:  # noqa: ARG002
        """Return what this environment's image is called and made of, and whether it is there."""
        with self.in_folder() as folder:
            return image_details(folder)

    def build(
        self,
        workspace: Workspace,  # noqa: ARG002 - all that is needed is here
        image_build_compute: Any = None,  # noqa: ARG002
    ) -> ImageBuildDetails:
        """Build the image, with this machine's engine, and return at once."""
        made = deepcopy(self)

        def work(who: Any) -> None:
            with made.in_folder() as folder:
                make(folder, "docker", who)

        return ImageBuildDetails(self.name, work)

    def build_local(
        self,
        workspace: Workspace,  # noqa: ARG002
        platform: str | None = None,
        *,
        useDocker: bool | None = None,  # noqa: N803 - the reference's name
        pushImageToWorkspaceAcr: bool = False,  # noqa: N803
    ) -> str:
        """Make the environment on this machine and return its folder, or its image's name.

        Without `useDocker` it is as `docker.enabled` says.
        """
        if platform not in (None, "Linux", "OSX"):
            raise UserErrorException(f"platform: expected Linux or OSX, found {platform!r}")
        if pushImageToWorkspaceAcr:
            note("pushImageToWorkspaceAcr has no effect: the image stays on this machine")
        in_docker = self.docker.enabled if useDocker is None else useDocker
        with raised_as(AzureMLException), self.in_folder() as folder:
            return make(folder, "docker" if in_docker else "process").place

    def _set_packages(
        self,
        conda_specification: str | Path | None = None,
        pip_requirements: str | Path | None = None,
        pip_version: str | None = None,
    ) -> None:
        if conda_specification is not None and pip_requirements is not None:
            raise UserErrorException(
                "expected a conda specification or pip requirements, found both"
            )
        if conda_specification is not None:
            conda = CondaDependencies(conda_specification)
            conda.with_python(str(conda_specification))
            self.python.conda_dependencies = conda
        elif pip_requirements is not None:
            self.python.conda_dependencies = pip_dependencies(Path(pip_requirements), pip_version)
        else:
            self.python.user_managed_dependencies = True
