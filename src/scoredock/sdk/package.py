"""Models, code and environment in one: a build context, or an image with all of them."""

import shutil
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from scoredock.context import copy_source, find_code, write_context
from scoredock.image import build, build_command
from scoredock.output import note, warn
from scoredock.sdk.deployment import checked_config, models_to_mount
from scoredock.sdk.environment_images import ImageBuildDetails, make
from scoredock.sdk.errors import WebserviceException, raised_as
from scoredock.sdk.inference_config import InferenceConfig
from scoredock.sdk.model import Models
from scoredock.sdk.sections import ContainerRegistry
from scoredock.sdk.settings import building, report
from scoredock.sdk.workspace import Workspace
from scoredock.templates import dockerfile_quote
from scoredock.webservice.asked import to_be_made
from scoredock.webservice.environment import Told, plan_environment
from scoredock.webservice.record import MountedModel, Revision
from scoredock.webservice.stack import contract_variables
from scoredock.webservice.wanted import mounted_models

_APP_ROOT: Final = "/var/azureml-app"
_FOLDER: Final = "azureml-app"
_VARIABLES: Final = ("AZUREML_SOURCE_DIRECTORY", "AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR")


class ModelPackage:
    """What needs nothing else to serve: an image, or the folder that one is built from."""

    def __init__(
        self,
        workspace: Workspace,
        models: Models,
        inference_config: InferenceConfig | None,
        *,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> None:
        """Begin to build the image, or with `generate_dockerfile` write the folder at save()."""
        self.workspace = workspace
        self.creation_time = datetime.now(timezone.utc)
        self._config = checked_config(inference_config)
        with raised_as(WebserviceException):
            self._models = models_to_mount(workspace, models)
        label = image_label or f"{self.creation_time:%Y%m%d%H%M%S}"
        self._image = "" if generate_dockerfile else f"{image_name or 'scoredock/package'}:{label}"
        self._build = ImageBuildDetails(self._image, self._build_image) if self._image else None

    @property
    def state(self) -> str:
        """`Running`, `Succeeded` or `Failed`."""
        return self._build.status if self._build else "Succeeded"

    @property
    def location(self) -> str | None:
        """The image's name; None for a build context, which is where save() puts it."""
        return self._image or None

    def wait_for_creation(self, show_output: bool = False) -> None:
        """Return once there is the package. Raises WebserviceException where it cannot be made."""
        if self._build:
            with raised_as(WebserviceException):
                self._build.wait_for_completion(show_output)

    def save(self, output_directory: str | Path) -> None:
        """Write the build context into a folder, which is made: `docker build` needs no more."""
        if self._build:
            raise WebserviceException(
                f"the package is the image {self._image}: there is no Dockerfile to save",
                hint="pull() returns its name; generate_dockerfile=True makes a build context",
            )
        folder = Path(output_directory)
        environment = self._config.environment_of("package")
        with raised_as(WebserviceException), environment.in_folder() as spec:
            planned = plan_environment(to_be_made(spec, **building()), warn=warn, note=note)
            with tempfile.TemporaryDirectory() as empty:
                write_context(
                    folder,
                    planned.rendered,
                    Path(empty),
                    leave_out=Path(empty, "models"),
                    base_context=planned.base_context,
                )
            lines = self._fill(folder / _FOLDER)
            with (folder / "Dockerfile").open("a", encoding="utf-8") as dockerfile:
                dockerfile.write("\n# The package: entry script and models.\n" + lines)
        report(f"wrote {folder}")

    def pull(self) -> str:
        """Return the image's name, once it is there: on this machine, where it was built."""
        if not self._build:
            raise WebserviceException("the package is a build context", hint="save() writes it")
        self.wait_for_creation()
        return self._image

    def get_logs(self, decode: bool = True, offset: int = 0) -> str:  # noqa: ARG002
        """Return what the build has said until now."""
        return self._build.get_log()[offset:] if self._build else ""

    def get_container_registry(self) -> ContainerRegistry:
        """Return the registry of the image: none, it is this machine's."""
        return ContainerRegistry()

    def serialize(self) -> dict[str, Any]:
        """Return what is known of the package."""
        return {
            "createdTime": self.creation_time.isoformat(),
            "location": self.location,
            "packageType": "DockerImage" if self._build else "DockerBuildContext",
            "state": self.state,
            "workspaceName": self.workspace.name,
        }

    def _build_image(self, who: Told) -> None:
        """Build the environment's image, which other services share, and a layer over it."""
        with self._config.environment_of("package").in_folder() as spec:
            made = make(spec, "docker", who)
        with tempfile.TemporaryDirectory() as folder:
            lines = self._fill(Path(folder, _FOLDER))
            Path(folder, "Dockerfile").write_text(f"FROM {made.place}\n{lines}", encoding="utf-8")
            command = build_command(Path(folder), tag=self._image)
            build(command, report=who.report, verbose=who.verbose)

    def _fill(self, folder: Path) -> str:
        """Copy code and models as the container contract has them; return Dockerfile lines."""
        with tempfile.TemporaryDirectory() as scratch:
            asked = self._config.code(Path(scratch))
            source = (asked.source or Path()).resolve()
            code = find_code(source, asked.entry_script, name=asked.source_name)
            copy_source(
                source,
                folder / code.source_name,
                source / "models",
                *([self.workspace.folder] if self.workspace.folder.is_relative_to(source) else []),
            )
            models = mounted_models(self._models, Path(scratch, "models"))
            for model in models:
                place = folder / "azureml-models" / model.name / model.version
                shutil.copytree(model.folder, place)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        return _lines(code.source_name, code.entry_script, models)


def _lines(source_name: str, entry_script: str, models: tuple[MountedModel, ...]) -> str:
    revision = Revision(number=1, source_name=source_name, entry_script=entry_script, models=models)
    variables = contract_variables(revision, app_root=_APP_ROOT)
    texts = [f"ENV {name}={dockerfile_quote(variables[name])}\n" for name in _VARIABLES]
    return "".join([*texts, f"COPY --chown=1000:1000 {_FOLDER}/ {_APP_ROOT}/\n"])
