"""What conda and pip install, as programs put it together."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from scoredock.canonical import canonical_files
from scoredock.formats.validation import validate
from scoredock.output import warn
from scoredock.sdk.conda_helpers import ReferenceHelpers
from scoredock.sdk.conda_parts import (
    DEFAULT_PYTHON,
    SERVER,
    TEMPLATE_PYTHON,
    read_conda_spec,
    spec_data,
    template,
)
from scoredock.sdk.errors import UserErrorException, raised_as
from scoredock.sdk.package_lines import conda_package as parsed
from scoredock.sdk.package_lines import is_conda, is_option, option_word, pip_name
from scoredock.spec import CONDA_FILE, EnvironmentSpec, Origin, PythonSection
from scoredock.spec import CondaDependencies as Spec


class CondaDependencies(ReferenceHelpers):
    """Channels, conda packages and pip packages, in their order."""

    def __init__(self, conda_dependencies_file_path: str | Path | None = None) -> None:
        """Read a conda file; without one begin as the reference does."""
        if conda_dependencies_file_path is None:
            self._data = template(TEMPLATE_PYTHON, [SERVER])
        else:
            self._data = spec_data(read_conda_spec(Path(conda_dependencies_file_path)))

    @classmethod
    def create(
        cls,
        pip_indexurl: str | None = None,
        pip_packages: list[str] | None = None,
        conda_packages: list[str] | None = None,
        python_version: str = DEFAULT_PYTHON,
        pin_sdk_version: bool = True,  # noqa: ARG003 - there is no SDK to pin
    ) -> "CondaDependencies":
        """Return what installs these packages; azureml-defaults where no pip packages are given."""
        made = cls._of(template(python_version, []))
        if pip_indexurl:
            made.set_pip_option(f"--index-url {pip_indexurl}")
        for package in [SERVER] if pip_packages is None else pip_packages:
            made.add_pip_package(package)
        for package in conda_packages or ():
            made.add_conda_package(package)
        return made

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> "CondaDependencies":
        made = cls.__new__(cls)
        made._data = dict(data)
        return made

    @classmethod
    def of_spec(cls, spec: Spec) -> "CondaDependencies":
        """Return what a spec says."""
        return cls._of(spec_data(spec))

    def to_spec(self) -> Spec:
        """Return the same as a part of a spec. Raises UserErrorException where it cannot be one."""
        with raised_as(UserErrorException):
            return validate(Spec, self.as_dict(), Origin({"": "conda dependencies: "}))

    # --- what there is ---

    @property
    def conda_channels(self) -> Iterator[str]:
        """Where conda looks for packages."""
        return iter(list(self._data.get("channels") or ()))

    @property
    def conda_packages(self) -> Iterator[str]:
        """What conda installs, Python among it."""
        return (item for item in self._items if isinstance(item, str))

    @property
    def pip_packages(self) -> Iterator[str]:
        """What pip installs."""
        return (line for line in self._pip if not is_option(line))

    @property
    def pip_options(self) -> Iterator[str]:
        """Options in the pip section."""
        return (line for line in self._pip if is_option(line))

    def as_dict(self) -> dict[str, Any]:
        """Return a copy in the structure of a conda file."""
        return deepcopy(self._data)

    def serialize_to_string(self) -> str:
        """Return the text of a conda file."""
        spec = EnvironmentSpec(python=PythonSection(condaDependencies=self.to_spec()))
        return canonical_files(spec)[0][CONDA_FILE]

    def save(self, path: str | Path | None = None) -> str:
        """Write a conda file, conda_dependencies.yml in the working directory without a path."""
        file = Path(path or CONDA_FILE)
        if file.is_dir() or not file.absolute().parent.is_dir():
            what = "is a folder" if file.is_dir() else "its folder is not there"
            raise UserErrorException(f"{file}: expected the path of a file to write, but it {what}")
        file.write_text(self.serialize_to_string(), encoding="utf-8")
        return str(file)

    def save_to_file(
        self, base_directory: str | Path, conda_file_path: str | Path | None = None
    ) -> str:
        """Write a conda file below a folder and return its path, relative to that."""
        name = Path(conda_file_path or CONDA_FILE)
        target = Path(base_directory) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        self.save(target)
        return str(name)

    # --- pip ---

    def add_pip_package(self, pip_package: str) -> None:
        """Add a package; one of the same name gives way."""
        if not pip_package.strip() or is_option(pip_package):
            raise UserErrorException(
                f"Invalid package name {pip_package!r}",
                hint="an option is added with set_pip_option",
            )
        name = pip_name(pip_package)
        self._set_pip([*(line for line in self._pip if pip_name(line) != name), pip_package])

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the package of this name, if it is there."""
        name = pip_name(pip_package)
        self._set_pip([line for line in self._pip if pip_name(line) != name])

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace the whole pip section."""
        self._set_pip(list(pip_requirements))

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option; one of the same word gives way."""
        if not is_option(pip_option):
            raise UserErrorException(
                f"expected an option of pip as in '--index-url URL', found {pip_option!r}"
            )
        kept = self._without_option(pip_option)
        self._set_pip([pip_option, *kept])

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove the option of this word, if it is there."""
        self._set_pip(self._without_option(pip_option))

    def set_pip_index_url(self, index_url: str) -> None:
        """Set the index: `--index-url URL`, in full."""
        self.set_pip_option(index_url)

    # --- conda ---

    def add_channel(self, channel: str) -> None:
        """Add a channel behind the others, unless it is there."""
        if channel not in self.conda_channels:
            self._data["channels"] = [*self.conda_channels, channel]

    def remove_channel(self, channel: str) -> None:
        """Remove a channel, if it is there."""
        self._data["channels"] = [each for each in self.conda_channels if each != channel]

    def add_conda_package(self, conda_package: str) -> None:
        """Add a package; one of the same name gives way, and Python stays in its place."""
        name = parsed(conda_package).name
        if name == "python":
            self._set_python(conda_package)
            return
        kept = [item for item in self._items if not is_conda(item, name)]
        self._data["dependencies"] = [*kept, conda_package]

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove a package by its name, or as it was added."""
        name = parsed(conda_package).name
        if name == "python":
            raise UserErrorException("python must not be removed from conda dependencies")
        self._data["dependencies"] = [item for item in self._items if not is_conda(item, name)]

    def set_python_version(self, version: str) -> None:
        """Set the Python, as in `3.11`."""
        self._set_python(f"python={version}")

    @property
    def python(self) -> str | None:
        """What is said of Python, by conda's own rules; None where nothing is."""
        return next((item for item in self.conda_packages if is_conda(item, "python")), None)

    @staticmethod
    def get_default_number_of_packages() -> int:
        """Return how many packages a new object has."""
        new = CondaDependencies()
        return len([*new.conda_packages, *new.pip_packages])

    def __repr__(self) -> str:
        return f"CondaDependencies({self.as_dict()!r})"

    @property
    def _items(self) -> list[Any]:
        return list(self._data.get("dependencies") or ())

    @property
    def _pip(self) -> list[str]:
        return [line for item in self._items if isinstance(item, dict) for line in item["pip"]]

    def _set_pip(self, lines: list[str]) -> None:
        """Put the lines where the first pip section stands, or behind all."""
        items = self._items
        places = [index for index, item in enumerate(items) if isinstance(item, dict)]
        rest = [item for item in items if isinstance(item, str)]
        place = places[0] if places else len(items)
        self._data["dependencies"] = [*rest[:place], {"pip": lines}, *rest[place:]]

    def _without_option(self, option: str) -> list[str]:
        word = option_word(option)
        return [line for line in self._pip if not is_option(line) or option_word(line) != word]

    def _set_python(self, package: str) -> None:
        if not parsed(package).version:
            raise UserErrorException(
                f"expected a version as in python=3.11, found {package!r}",
            )
        others = [item for item in self._items if not is_conda(item, "python")]
        self._data["dependencies"] = [package, *others]

    def with_python(self, name: str) -> None:
        """Give Python a version where nothing has, and say so; `name` is what messages call it."""
        python = self.python
        if python is None or not parsed(python).version:
            warn(f"{name}: no version of Python is named: python={DEFAULT_PYTHON} is taken")
            self.set_python_version(DEFAULT_PYTHON)
