"""What is to be served: an entry script, and the environment that it runs in."""

import ast
import keyword
from pathlib import Path
from typing import Any, Final

from scoredock.output import warn
from scoredock.sdk.environment import Environment
from scoredock.sdk.errors import UserErrorException, WebserviceException
from scoredock.sdk.sections import ContainerRegistry
from scoredock.webservice.asked import script_alone
from scoredock.webservice.wanted import Code

# Before there were environments.
_LEGACY: Final = (
    "runtime", "conda_file", "extra_docker_file_steps", "enable_gpu", "base_image",
    "base_image_registry", "cuda_version",
)  # fmt: skip


class InferenceConfig:
    """An entry script with an environment; what is given is never changed."""

    def __init__(
        self,
        entry_script: str,
        runtime: str | None = None,
        conda_file: str | None = None,
        extra_docker_file_steps: str | None = None,
        source_directory: str | None = None,
        enable_gpu: bool | None = None,
        description: str | None = None,
        base_image: str | None = None,
        base_image_registry: ContainerRegistry | None = None,
        cuda_version: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        """Check the script: it is there, it is Python, and its name can be imported."""
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = source_directory
        self.enable_gpu = enable_gpu
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry
        self.cuda_version = cuda_version
        self.environment = environment
        self.check()

    def check(self) -> None:
        """Raise WebserviceException, or UserErrorException, for what cannot be served."""
        if self.source_directory is not None and not Path(self.source_directory).is_dir():
            raise WebserviceException(f"source_directory {self.source_directory}: no such folder")
        _check_script(self._script)
        given = [name for name in _LEGACY if getattr(self, name) is not None]
        if self.environment is not None and given:
            raise WebserviceException(f"expected environment or {', '.join(given)}, found both")
        if self.environment is not None and not isinstance(self.environment, Environment):
            raise WebserviceException(f"environment: expected one, found {self.environment!r}")
        if self.runtime not in (None, "python", "spark-py"):
            raise WebserviceException(f"runtime: expected python, found {self.runtime!r}")
        if self.cuda_version not in (None, "9.0", "9.1", "10.0"):
            raise WebserviceException(
                f"cuda_version: expected 9.0, 9.1 or 10.0, found {self.cuda_version!r}"
            )

    def environment_of(self, service: str) -> Environment:
        """Return the environment, which is made of the older arguments where none is given.

        Raises UserErrorException where there is neither.
        """
        if self.environment is not None:
            return self.environment
        if self.runtime == "spark-py":
            raise UserErrorException("runtime: scoredock serves Python, found spark-py")
        if self.extra_docker_file_steps:
            raise UserErrorException(
                "extra_docker_file_steps: further Dockerfile steps are not supported",
                hint="write them into environment.docker.base_dockerfile, after a FROM",
            )
        if self.runtime is None and self.conda_file is None and self.base_image is None:
            raise UserErrorException(
                "expected an environment in the inference configuration, found none",
                hint="InferenceConfig(entry_script=…, environment=…)",
            )
        made = Environment(f"{service}-env")
        if self.conda_file is not None:
            conda = self._in_source(self.conda_file)
            made.python = Environment.from_conda_specification(made.name, conda).python
        made.docker.base_image = self.base_image
        if self.base_image_registry is not None:
            made.docker.base_image_registry = self.base_image_registry
        made.docker.gpu_support = self.enable_gpu
        if self.cuda_version is not None:
            warn("cuda_version has no effect: the base image has CUDA, or has not")
        return made

    def code(self, service_folder: Path) -> Code:
        """Return the code to be served: the source folder, or without one the script alone."""
        self.check()
        if self.source_directory is not None:
            source = Path(self.source_directory).absolute()
            return Code(source=source, entry_script=self.entry_script)
        return script_alone(self._script, service_folder)

    @property
    def _script(self) -> Path:
        return self._in_source(self.entry_script)

    def _in_source(self, name: str) -> Path:
        return Path(self.source_directory or "") / name

    def __repr__(self) -> str:
        environment: Any = self.environment
        return f"InferenceConfig(entry_script={self.entry_script!r}, environment={environment})"


def _check_script(script: Path) -> None:
    if not script.is_file():
        raise WebserviceException(f"entry_script {script}: no such file")
    if script.suffix != ".py":
        raise WebserviceException(f"Invalid driver type. Expected a .py file, found {script}")
    if not script.stem.isidentifier() or keyword.iskeyword(script.stem):
        raise UserErrorException(
            f"entry_script {script}: its name cannot be imported",
            hint="letters, digits and _, as in score.py",
        )
    try:
        ast.parse(script.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise UserErrorException(f"entry_script {script}: cannot be parsed: {error}") from error
