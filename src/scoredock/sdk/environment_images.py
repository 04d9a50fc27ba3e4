"""What an environment becomes: an image, or a folder on this machine."""

import sys
from pathlib import Path
from typing import Any

from scoredock.output import note, warn
from scoredock.sdk.errors import AzureMLException, raised_as
from scoredock.sdk.operations import Operation
from scoredock.sdk.settings import building, report, told
from scoredock.webservice.asked import to_be_made
from scoredock.webservice.environment import (
    MadeEnvironment,
    Told,
    has_image,
    image_name,
    make_environment,
    plan_environment,
)
from scoredock.webservice.record import RuntimeName

_PREFIX = "/opt/env"


class ImageDetails(dict[str, Any]):
    """What is known of an environment's image; no credential is among it."""

    @property
    def image_exist(self) -> bool:
        """Whether the engine has it."""
        return bool(self["imageExistsInRegistry"])

    @property
    def image(self) -> str:
        """Its name in full."""
        return f"{self.repository}"

    @property
    def repository(self) -> str:
        """Its name."""
        return str(self["dockerImage"]["name"])

    @property
    def registry(self) -> dict[str, Any]:
        """The registry that it is in: none, it is this machine's."""
        return dict(self["dockerImage"]["registry"])

    @property
    def interpreter_path(self) -> str:
        """Where its Python is."""
        return str(self["pythonEnvironment"]["interpreterPath"])

    @property
    def environment_path(self) -> str:
        """Where its packages are."""
        return str(self["pythonEnvironment"]["condaEnvironmentPath"])

    @property
    def dockerfile(self) -> str:
        """What it is built from."""
        return str(self["ingredients"]["dockerfile"])


def image_details(folder: Path) -> ImageDetails:
    """Return what the image of a spec is; it need not be there."""
    with raised_as(AzureMLException):
        wanted = to_be_made(folder, **building())
        planned = plan_environment(wanted, warn=warn, note=note)
        image = image_name(wanted, planned)
        registry = dict.fromkeys(("address", "username", "password"))
        return ImageDetails(
            imageExistsInRegistry=has_image(image),
            dockerImage={"name": image, "registry": registry},
            pythonEnvironment={
                "interpreterPath": f"{_PREFIX}/bin/python",
                "condaEnvironmentPath": _PREFIX,
            },
            ingredients={"dockerfile": planned.rendered["Dockerfile"]},
        )


def make(folder: Path, runtime: RuntimeName, who: Told | None = None) -> MadeEnvironment:
    """Make what a spec becomes in a runtime, where it is not there yet."""
    return make_environment(to_be_made(folder, **building()), runtime, who or told())


class ImageBuildDetails:
    """An image that is being built."""

    def __init__(self, name: str, build: Any) -> None:
        """Begin; `build` is called with who is to be told what."""
        self._log: list[str] = []
        self._shown = False
        who = Told(warn=self._take, note=self._take, report=self._take, verbose=True)

        def work(_mark: Any) -> None:
            with raised_as(AzureMLException):
                build(who)

        self._operation = Operation(work, doing=f"building {name}")

    @property
    def status(self) -> str:
        """`Running`, `Succeeded` or `Failed`."""
        if self._operation.is_running:
            return "Running"
        return "Failed" if self._operation.has_failed else "Succeeded"

    def get_log(self) -> str:
        """Return what the build has said until now."""
        return "".join(f"{line}\n" for line in self._log)

    def wait_for_completion(self, show_output: bool = True) -> "ImageBuildDetails":
        """Return once the image is there. Raises AzureMLException where it cannot be built."""
        shown = 0
        ended = False
        while not ended:
            ended = self._operation.wait(0.5)
            lines = list(self._log) if show_output else []
            for line in lines[shown:]:
                report(line)
            shown = len(lines)
        sys.stderr.flush()
        self._operation.result()
        return self

    def _take(self, line: str) -> None:
        self._log.append(line)
