"""What reading a file or a folder gives: the spec, and all that a person may want to know of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scoredock.spec import CondaDependencies, EnvironmentSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the file tells beside the environment; empty where it does not."""

    entry_script: str = ""
    """Relative to `source`, or to the file's folder where there is none."""
    source: str = ""
    """Folder of the entry script."""
    model: str = ""
    """File or folder of the model."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else, by a name for people: the scoring route, a timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One spec, whatever the form that it was written in."""

    spec: EnvironmentSpec
    form: str
    """What it is, in words: `inference configuration`."""
    reason: str
    """Why it was taken for that."""
    files: tuple[Path, ...]
    """Every file that was read, the main one first."""
    warnings: tuple[str, ...]
    told: Told = Told()
    build_context: Path | None = None
    """The folder that the Dockerfile text takes files from, where it may."""

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of `files` as seen from the main one's folder, wherever that lies."""
        folder = self.files[0].parent
        names = dict.fromkeys(os.path.relpath(path, folder) for path in self.files)
        # A name that is no UTF-8 can be opened, but not be written into a file.
        return tuple(os.fsencode(name).decode("utf-8", "replace") for name in names)


@dataclass(slots=True)
class Findings:
    """What readers come across on their way."""

    files: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def environment_of(
    conda: CondaDependencies, *, label: str, name: str | None = None
) -> EnvironmentSpec:
    """Return the environment of a file `label` that says no more than what to install."""
    data = {"python": {"condaDependencies": conda}} | ({"name": name} if name else {})
    return EnvironmentSpec.model_validate(data).found_at({"": f"{label}: "})
