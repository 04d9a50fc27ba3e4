"""The conda part of a spec: an inline section, or a file; cleared of what says nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scoredock.formats.document import label_of, read_document
from scoredock.formats.reading import Findings
from scoredock.formats.requirements import (
    Line,
    joined_lines,
    taken_along,
    without_comment,
)
from scoredock.formats.spelling import conda_shape, respell, respelling_warning
from scoredock.formats.validation import validate
from scoredock.problems import unknown_keys
from scoredock.spec import GENERATED, CondaDependencies, Origin, joined

# The keys that may be null: conda itself writes `prefix: null`, and the SDK `name: null`.
_NULLABLE = ("name", "channels", "prefix", "variables")


def read_conda_file(path: Path, *, main: Path, findings: Findings) -> CondaDependencies | None:
    """Return what a conda file holds, or None where there is none but one that `render` wrote."""
    if not path.is_file():
        return None
    document = read_document(path, label=label_of(path, main))
    if document.text.startswith(GENERATED):
        return None
    findings.files.append(path)
    findings.warnings += document.warnings
    return conda_part(
        document.data, place=f"{document.label}: ", file=path, main=main, findings=findings
    )


def conda_part(
    data: Any, *, place: str, file: Path, main: Path, findings: Findings
) -> CondaDependencies:
    """Return the conda part that stands at `place` of `file`; raises SpecError.

    Empty items go, `{"conda": [...]}` becomes the packages in it, and files that pip is to read
    become their lines, each with the place where it stood.
    """
    data, written = respell(data, conda_shape())
    findings.warnings += respelling_warning(place.removesuffix(": "), written)
    places = {"": place} | {path: joined(place, there) for path, there in written.items()}
    constraints: tuple[str, ...] = ()
    if isinstance(data, dict):
        for key in [key for key, value in data.items() if value is None and key not in _NULLABLE]:
            findings.warnings.append(
                f"{Origin(places).where(key)}: empty, read as if it were absent"
            )
            data = {other: value for other, value in data.items() if other != key}
        if isinstance(data.get("dependencies"), list):
            tidying = _Tidying(file, main, findings, dict(places))
            there = Origin(places).where("dependencies")
            for index, item in enumerate(data["dependencies"]):
                tidying.take(item, f"{there}[{index}]")
            data, places = data | {"dependencies": tidying.items}, tidying.places
            constraints = tuple(tidying.constraints)
    origin = Origin(places)
    conda = validate(CondaDependencies, data, origin)
    findings.warnings += unknown_keys(conda, origin.where)
    return conda.held_to(constraints).found_at(places)


@dataclass(frozen=True, slots=True)
class _Tidying:
    """What the items of one dependency list are read with, and where each of them stood."""

    file: Path
    main: Path
    findings: Findings
    places: dict[str, str]
    items: list[Any] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)

    def take(self, item: Any, place: str) -> None:
        """Take one item of the list, or what it stands for."""
        if item is None:
            self.findings.warnings.append(f"{place}: an empty item, ignored")
        elif isinstance(item, dict) and isinstance(item.get("conda"), list):
            self.findings.warnings.append(f"{place}.conda: read as packages of the list around it")
            for index, package in enumerate(item["conda"]):
                self.take(package, f"{place}.conda[{index}]")
            rest = {key: value for key, value in item.items() if key != "conda"}
            if rest:
                self.take(rest, place)
        else:
            self.places[f"dependencies[{len(self.items)}]"] = place
            self.items.append(self._pip_section(item, f"{place}.pip") if _is_pip(item) else item)

    def _pip_section(self, section: dict[str, Any], place: str) -> dict[str, Any]:
        if section["pip"] is None:
            return section | {"pip": []}
        lines: list[Any] = []
        for line in self._pip_lines(section["pip"], place):
            if line.constraint:
                self.places[f"constraints[{len(self.constraints)}]"] = line.place
                self.constraints.append(line.text)
                continue
            self.places[f"dependencies[{len(self.items)}].pip[{len(lines)}]"] = line.place
            lines.append(line.text)
        return section | {"pip": lines}

    def _pip_lines(self, items: list[Any], place: str) -> Iterator[Line]:
        """Yield each line of a pip section; what is no text is left for the validation."""
        there = []
        for index, item in enumerate(items):
            if item is None:
                self.findings.warnings.append(f"{place}[{index}]: an empty item, ignored")
            else:
                there.append(Line(item, f"{place}[{index}]"))
        if not all(isinstance(line.text, str) for line in there):
            yield from there
            return
        for line in joined_lines(there):
            meant = Line(without_comment(line.text), line.place)
            if not meant.text:
                yield line
                continue
            found = list(
                taken_along(meant, folder=self.file.parent, main=self.main, findings=self.findings)
            )
            yield from [line] if found == [meant] else found


def _is_pip(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("pip", ""), list | None)
