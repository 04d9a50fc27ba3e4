"""The fields of an environment, as a program sets them, and the folder that they are saved as."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from scoredock.canonical import canonical_context, canonical_files, fill_canonical, write_canonical
from scoredock.formats import read
from scoredock.formats.reading import Reading
from scoredock.formats.validation import validate
from scoredock.output import warn
from scoredock.sdk.errors import FolderExistsException, UserErrorException, raised_as
from scoredock.sdk.sections import DockerSection, PythonSection, plain, section_data, section_of
from scoredock.spec import SPEC_FILE, EnvironmentSpec, Origin
from scoredock.storage import disk_errors

AnyEnvironment = TypeVar("AnyEnvironment", bound="EnvironmentFields")
_SPARK = {"repositories": [], "packages": [], "precachePackages": True}
_DATABRICKS = (
    "mavenLibraries", "pypiLibraries", "rcranLibraries", "jarLibraries", "eggLibraries",
)  # fmt: skip


class EnvironmentFields:
    """What a service runs in: `python`, `docker`, `environment_variables`, and more for jobs."""

    def __init__(self, name: str) -> None:
        """Begin with a new environment: the reference's Python, and azureml-defaults."""
        if not isinstance(name, str):
            raise TypeError(f"Environment name expected str, {type(name).__name__} found")
        self.name = name
        self.version: str | None = None
        self.environment_variables: dict[str, Any] | None = {}
        self.python = PythonSection()
        self.docker = DockerSection()
        self.spark: dict[str, Any] | None = deepcopy(_SPARK)
        self.databricks: dict[str, Any] | None = {key: [] for key in _DATABRICKS}
        self.r: dict[str, Any] | None = None
        self.inferencing_stack_version: str | None = None
        self.asset_id: str | None = None
        self._base_context: Path | None = None

    def clone(self: AnyEnvironment, new_name: str) -> AnyEnvironment:
        """Return a copy of another name, with no version yet."""
        if not new_name:
            raise UserErrorException("expected a name for the clone, found none")
        made = deepcopy(self)
        made.name, made.version, made.asset_id = new_name, None, None
        return made

    def save_to_directory(self, path: str | Path, overwrite: bool = False) -> None:
        """Write azureml_environment.json and conda_dependencies.yml, for editing by hand.

        Credentials of a registry are left out, with a warning. Raises FileExistsError where the
        folder is there and not to be overwritten.
        """
        folder = Path(path)
        if folder.exists() and not overwrite:
            raise FolderExistsException(f"{folder}: is there already", hint="overwrite=True")
        with raised_as(UserErrorException):
            spec = self.to_spec()
            files, warnings = canonical_files(spec)
            context = self.base_context(spec)
            if folder.exists():
                with disk_errors(folder):
                    fill_canonical(folder, files, base_context=context, leave_out=folder)
            else:
                write_canonical(folder, files, base_context=context)
        for line in warnings:
            warn(line)

    @classmethod
    def load_from_directory(cls: type[AnyEnvironment], path: str | Path) -> AnyEnvironment:
        """Return what save_to_directory wrote, by whichever version of the reference or of ours.

        Raises FileNotFoundError where there is none, UserErrorException for what is wrong in it.
        """
        folder = Path(path)
        if not (folder / SPEC_FILE).is_file():
            raise FileNotFoundError(f"{folder / SPEC_FILE}: no such file")
        with raised_as(UserErrorException):
            reading = read(folder)
        for line in reading.warnings:
            warn(line)
        return cls.of_reading(reading)

    def to_spec(self) -> EnvironmentSpec:
        """Return the environment as a spec. Raises SpecError for a value that no spec can have."""
        docker = section_data(self.docker) if self.docker is not None else None
        data = {
            "name": self.name,
            "version": None if self.version is None else str(self.version),
            "environmentVariables": plain(self.environment_variables),
            "python": section_data(self.python),
            "docker": docker,
            "spark": plain(self.spark),
            "databricks": plain(self.databricks),
            "r": plain(self.r),
            "inferencingStackVersion": self.inferencing_stack_version,
            "assetId": self.asset_id,
        }
        return validate(EnvironmentSpec, data, Origin({"": f"environment {self.name}: "}))

    @contextmanager
    def in_folder(self) -> Iterator[Path]:
        """Give the environment as a folder that the kit reads, for as long as that takes."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "environment")
            with raised_as(UserErrorException):
                spec = self.to_spec()
                write_canonical(
                    folder, canonical_files(spec)[0], base_context=self.base_context(spec)
                )
            yield folder

    @classmethod
    def of_reading(cls: type[AnyEnvironment], reading: Reading) -> AnyEnvironment:
        """Return what the kit has read."""
        spec = reading.spec
        made = cls(spec.name or "")
        made.version = spec.version
        made.environment_variables = dict(spec.environment_variables or {})
        made.python = section_of(PythonSection, spec.python)
        made.docker = section_of(DockerSection, spec.docker)
        made.spark, made.databricks, made.r = map(plain, (spec.spark, spec.databricks, spec.r))
        made.inferencing_stack_version = spec.inferencing_stack_version
        made.asset_id = spec.asset_id
        made._base_context = reading.build_context
        return made

    def base_context(self, spec: EnvironmentSpec) -> Path | None:
        """Return the folder that the Dockerfile takes files from, if it takes any."""
        return canonical_context(
            Reading(
                spec=spec, form="environment", reason="a program made it", files=(), warnings=(),
                build_context=self._base_context,
            )
        )  # fmt: skip

    def __str__(self) -> str:
        return f"Environment(Name: {self.name}, Version: {self.version})"

    def __repr__(self) -> str:
        with raised_as(UserErrorException):
            data = self.to_spec().model_dump(mode="json", by_alias=True, exclude_unset=True)
        return json.dumps(data, indent=4, sort_keys=True)
