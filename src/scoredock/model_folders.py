"""Models as others leave them: the folder of an MLflow model, and loose files in a folder."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scoredock.errors import WorkspaceError
from scoredock.formats.document import read_document
from scoredock.registry import Model, register
from scoredock.workspace import Workspace

Report = Callable[[str], None]

MLMODEL: Final = "MLmodel"
# A flavor of MLflow: the framework, and where the flavor tells its version.
_FLAVORS: Final = {
    "sklearn": ("ScikitLearn", "sklearn_version"),
    "tensorflow": ("TensorFlow", "tensorflow_version"),
    "keras": ("TfKeras", "keras_version"),
    "pytorch": ("PyTorch", "pytorch_version"),
    "onnx": ("Onnx", "onnx_version"),
}
# Only what no other framework writes: a .pkl may be anything.
_SUFFIXES: Final = {".onnx": "Onnx", ".pt": "PyTorch", ".pth": "PyTorch", ".keras": "TfKeras"}
_TOLD: Final = ("run_id", "model_uuid", "mlflow_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a folder tells of the model in it."""

    name: str
    framework: str = ""
    framework_version: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


def import_folder(
    workspace: Workspace, folder: Path, *, name: str = "", report: Report = lambda _: None
) -> Model:
    """Register a folder under `name`, or its own, with what it tells of the model."""
    found = describe(folder)
    return register(
        workspace,
        folder,
        name=name or found.name,
        framework=found.framework,
        framework_version=found.framework_version,
        properties=found.properties,
        report=report,
    )


def describe(folder: Path) -> Described:
    """Return what a folder tells: by its MLmodel, or else by the suffixes of its files.

    Raises WorkspaceError where it is no folder, SpecError where its MLmodel cannot be read.
    """
    if not folder.is_dir():
        raise WorkspaceError(f"{folder}: no such folder")
    name = re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-")
    if (folder / MLMODEL).is_file():
        return _mlflow(folder / MLMODEL, name)
    suffixes = {path.suffix.lower() for path in folder.rglob("*") if path.is_file()}
    frameworks = {_SUFFIXES[suffix] for suffix in suffixes & _SUFFIXES.keys()}
    if any(folder.rglob("saved_model.pb")):
        frameworks.add("TensorFlow")
    return Described(name=name, framework=_one_of(frameworks))


def _mlflow(file: Path, name: str) -> Described:
    data: Any = read_document(file).data
    flavors = data.get("flavors") if isinstance(data, dict) else None
    if not isinstance(flavors, dict) or not flavors:
        raise WorkspaceError(f"{file}: flavors: expected the flavors of an MLflow model")
    known = [flavor for flavor in flavors if flavor in _FLAVORS]
    version = ""
    if len(known) == 1 and isinstance(flavors[known[0]], dict):
        version = str(flavors[known[0]].get(_FLAVORS[known[0]][1]) or "")
    return Described(
        name=name,
        framework=_one_of({_FLAVORS[flavor][0] for flavor in known}),
        framework_version=version,
        properties={f"mlflow.{key}": str(data[key]) for key in _TOLD if data.get(key)},
    )


def _one_of(frameworks: set[str]) -> str:
    return "Multi" if len(frameworks) > 1 else next(iter(frameworks), "Custom")
