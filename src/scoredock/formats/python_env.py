"""MLflow's `python_env.yaml`: a Python, what builds packages, and what is installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoredock.errors import SpecError
from scoredock.formats.document import Document
from scoredock.formats.reading import Findings, Reading, environment_of
from scoredock.formats.requirements import Line, taken_along, without_comment
from scoredock.spec import CondaDependencies, PipSection


def read(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read a `python_env.yaml` that stands alone: Python, what builds, what is installed."""
    conda = python_env(document, document.path, findings)
    return Reading(
        spec=environment_of(conda, label=document.label),
        form="MLflow Python environment",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
    )


def python_env(document: Document, main: Path, findings: Findings) -> CondaDependencies:
    """Return what the file says as a conda part; raises SpecError."""
    data: Any = document.data
    if not isinstance(data, dict):
        raise SpecError(f"expected object, found {type(data).__name__}", path=document.label)
    if document.path not in findings.files:
        findings.files.append(document.path)
    folder = document.path.parent
    lines: list[Line] = []
    for line in (*_lines(document, "build_dependencies"), *_lines(document, "dependencies")):
        lines += taken_along(line, folder=folder, main=main, findings=findings)
    places = {f"dependencies[0].pip[{number}]": line.place for number, line in enumerate(lines)}
    dependencies: tuple[Any, ...] = (PipSection(pip=tuple(line.text for line in lines)),)
    if data.get("python") is not None:
        dependencies += (f"python={data['python']}",)
        places["dependencies[1]"] = f"{document.label}: python"
    whole = {"": f"{document.label}: "}
    return CondaDependencies(dependencies=dependencies).found_at(whole | places)


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
