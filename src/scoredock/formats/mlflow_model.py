"""The folder of an MLflow model: `MLmodel` with `conda.yaml`, `python_env.yaml` or requirements."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoredock.errors import SpecError
from scoredock.formats.conda_part import read_conda_file
from scoredock.formats.document import Document, read_document
from scoredock.formats.reading import Findings, Reading, Told, environment_of
from scoredock.formats.requirements import Line, of_lines, taken_along, without_comment
from scoredock.spec import CondaDependencies

_PYTHON = re.compile(r"\s*(?:\S+::)?python(?![\w.-])", re.IGNORECASE)
# The names that MLflow itself writes, by what they are.
_CONDA, _VIRTUALENV = "conda.yaml", "python_env.yaml"


def read_mlflow_model(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read the environment that the model was logged with; conda.yaml before python_env.yaml."""
    flavors = document.data.get("flavors")
    function = flavors.get("python_function") if isinstance(flavors, dict) else None
    if not isinstance(function, dict):
        raise SpecError(
            "expected the flavor python_function, found "
            + (", ".join(map(str, flavors)) if isinstance(flavors, dict) and flavors else "none"),
            path=f"{document.label}: flavors",
            hint="scoredock serves Python: log the model with a flavor of it",
        )
    env = function.get("env")
    names = env if isinstance(env, dict) else {"conda": env}
    conda_file = document.beside(str(names.get("conda") or _CONDA))
    python_env = document.beside(str(names.get("virtualenv") or _VIRTUALENV))
    conda = read_conda_file(conda_file, main=document.path, findings=findings)
    if conda is None and python_env.is_file():
        conda = _of_python_env(read_document(python_env), document.path, findings)
    if conda is None:
        raise SpecError(
            f"names the environment {conda_file.name}, which is not there",
            path=f"{document.label}: flavors.python_function.env",
            hint=f"download it into {document.path.parent}, beside {document.path.name}",
        )
    conda = _with_python(conda, function, document, findings)
    settings = {
        name: str(function[key])
        for key, name in (("loader_module", "loader"), ("model_path", "model file"))
        if isinstance(function.get(key), str)
    }
    return Reading(
        spec=environment_of(conda, label=document.label, name=conda.name),
        form="MLflow model",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        told=Told(model=str(document.path.parent), settings=settings),
    )


def read_python_env(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read a `python_env.yaml` that stands alone: Python, what builds, what is installed."""
    conda = _of_python_env(document, document.path, findings)
    return Reading(
        spec=environment_of(conda, label=document.label),
        form="MLflow Python environment",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
    )


def _of_python_env(document: Document, main: Path, findings: Findings) -> CondaDependencies:
    data: Any = document.data
    if not isinstance(data, dict):
        raise SpecError(f"expected object, found {type(data).__name__}", path=document.label)
    if document.path not in findings.files:
        findings.files.append(document.path)
    folder = document.path.parent
    lines: list[Line] = []
    for line in (*_lines(document, "build_dependencies"), *_lines(document, "dependencies")):
        lines += taken_along(line, folder=folder, main=main, findings=findings)
    conda = of_lines(lines, {"": f"{document.label}: "})
    if data.get("python") is None:
        return conda
    dependencies = (*conda.dependencies, f"python={data['python']}")
    place = {"dependencies[1]": f"{document.label}: python"}
    return conda.model_copy(update={"dependencies": dependencies}).found_at(place)


def _lines(document: Document, key: str) -> Iterator[Line]:
    items = document.data.get(key) or []
    if not isinstance(items, list):
        raise SpecError(
            f"expected list, found {type(items).__name__}", path=f"{document.label}: {key}"
        )
    for index, item in enumerate(items):
        place = f"{document.label}: {key}[{index}]"
        if not isinstance(item, str):
            raise SpecError(f"expected str, found {type(item).__name__}", path=place)
        if text := without_comment(item):
            yield Line(text, place)


def _with_python(
    conda: CondaDependencies, function: dict[str, Any], document: Document, findings: Findings
) -> CondaDependencies:
    """Add the Python that the model was logged with where the conda file names none."""
    version = function.get("python_version")
    packages = [item for item in conda.dependencies if isinstance(item, str)]
    if any(_PYTHON.match(package) for package in packages) or not isinstance(version, str):
        return conda
    findings.warnings.append(
        f"{document.label}: python_version {version} is used, since the conda file names no Python"
    )
    changed = conda.model_copy(update={"dependencies": (*conda.dependencies, f"python={version}")})
    place = f"{document.label}: flavors.python_function.python_version"
    return changed.found_at({f"dependencies[{len(conda.dependencies)}]": place})
