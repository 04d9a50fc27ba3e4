"""What is known of one version of a model: `manifest.json` beside its files."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from scoredock.errors import WorkspaceError
from scoredock.problems import first_problem
from scoredock.versions import check_name

FRAMEWORKS: Final = (
    "Custom", "TensorFlow", "ScikitLearn", "Onnx", "TfKeras", "PyTorch", "Multi",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file; its path is relative to what is mounted at azureml-models/NAME/VERSION."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One version; tags and description change, properties are added, all else stays."""

    name: str
    version: int
    created: datetime
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    framework: str = "Custom"
    framework_version: str = ""
    entry: str
    """The one file or folder that was registered."""
    files: tuple[ModelFile, ...] = ()
    empty_folders: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`NAME:VERSION`."""
        return f"{self.name}:{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


_ADAPTER: Final = TypeAdapter(Manifest)


def manifest_data(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as it stands in JSON."""
    data = {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
    files = [asdict(file) for file in data.pop("files")]
    empty = list(data.pop("empty_folders"))
    created = manifest.created.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return data | {
        "created": created,
        "size": manifest.size,
        "files": files,
        "empty_folders": empty,
    }


def manifest_text(manifest: Manifest) -> str:
    """Return the text of `manifest.json`."""
    return json.dumps(manifest_data(manifest), indent=2, ensure_ascii=False) + "\n"


def parse_manifest(text: str | bytes, *, label: str) -> Manifest:
    """Return what a `manifest.json` says. Raises WorkspaceError, which begins with `label`."""
    try:
        manifest = _ADAPTER.validate_json(text)
        check_name(manifest.name, "a model")
        checked_framework(manifest.framework, manifest.framework_version)
    except ValidationError as error:
        place, message = first_problem(error)
        raise WorkspaceError(": ".join(filter(None, (label, place, message)))) from None
    except WorkspaceError as error:
        raise WorkspaceError(f"{label}: {error}") from None
    _check_paths(manifest, label)
    return manifest


def _check_paths(manifest: Manifest, label: str) -> None:
    """Refuse what would be written outside of the version's folder, or twice."""
    paths = [*(file.path for file in manifest.files), *manifest.empty_folders]
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    seen: set[str] = set()
    for path in paths:
        if not is_safe(path) or path.split("/")[0] != manifest.entry:
            raise WorkspaceError(f"{label}: expected a path in {manifest.entry!r}, found {path!r}")
        if path in folders or path in seen:
            raise WorkspaceError(f"{label}: {path!r} is there twice")
        seen.add(path)
    if not manifest.files:
        raise WorkspaceError(f"{label}: expected files, found none")


def is_safe(path: str) -> bool:
    """Tell whether a relative path stays where it starts, and is written in the one way."""
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))


def checked_framework(framework: str, version: str = "") -> str:
    """Return the framework, Custom without one. Raises WorkspaceError for one that is not known."""
    if version and not framework:
        raise WorkspaceError(
            f"expected a framework with its version {version!r}, found none",
            hint=f"one of {', '.join(FRAMEWORKS)}",
        )
    if framework and framework not in FRAMEWORKS:
        raise WorkspaceError(f"expected a framework, {', '.join(FRAMEWORKS)}, found {framework!r}")
    return framework or "Custom"


def texts(values: Mapping[str, Any] | None, what: str) -> dict[str, str]:
    """Return tags or properties: texts by texts; numbers and truth values become text."""
    found = {}
    for key, value in (values or {}).items():
        if not isinstance(key, str) or not key or not isinstance(value, str | int | float):
            raise WorkspaceError(f"expected {what} of text by text, found {key!r}: {value!r}")
        found[key] = str(value)
    check_unicode([*found, *found.values()], what)
    return found


def check_unicode(values: Iterable[str], what: str) -> None:
    """Raise WorkspaceError for halves of characters, which no file can hold."""
    for value in values:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise WorkspaceError(f"{what}: {value!r} is not Unicode") from None
