"""What the files of a deployment ask for: environment, code, models and settings of a service."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scoredock.errors import SpecError
from scoredock.formats.document import Document
from scoredock.formats.reading import Reading
from scoredock.spec import joined

# What a service has where neither file nor option says more, in seconds.
_START_PERIOD: Final = 120
# As the cloud has it, where a probe does not say.
_PROBE: Final = {"initial_delay": 10, "period": 10, "failure_threshold": 30}
# Bytes of a name, and far more folders than a path has.
_LONGEST: Final = 255
# A NUL, and half a character, which YAML and JSON can both write.
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_ASSET: Final = re.compile(r"azureml:([^/:@]+)(?::([^:/@]+)|@([^:/@]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An environment or a model of the workspace; `text` is NAME, for the newest, or NAME:VERSION.

    `place` is where the file names it.
    """

    text: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPath:
    """A model that is not registered, with the name and version that a container sees."""

    path: Path
    name: str
    version: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReading:
    """One service, as files ask for it; what is None they do not tell."""

    label: str
    """What messages call the main file."""
    name: str = ""
    name_place: str = ""
    environment: Reading | Reference | None = None
    source: Path | None = None
    """Folder of the entry script."""
    entry_script: str = ""
    """Relative to `source`; where there is none, the path of a script that is served alone."""
    source_is_root: bool = False
    """Whether AML_APP_ROOT is the script's own folder, as in v2."""
    models: tuple[Reference | ModelPath, ...] | None = None
    variables: Mapping[str, str] | None = None
    port: int | None = None
    start_period: str | None = None
    description: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(slots=True)
class Said:
    """What readers have to say on their way: warnings are of what may be a mistake."""

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def no_effect(self, label: str, data: Mapping[str, Any], keys: Iterable[str]) -> None:
        """Note all keys that are set and mean nothing on this machine, in one line."""
        found = [key for key in keys if data.get(key) not in (None, "", {}, [])]
        if found:
            have = "has" if len(found) == 1 else "have"
            self.notes.append(f"{label}: {', '.join(found)} {have} no effect on this machine")

    def no_key(self, place: str) -> None:
        """Note that what asks for a key or a token in the cloud does not here."""
        self.notes.append(
            f"{place} has no effect on this machine: the service asks nobody for a key, and "
            "listens on this machine alone unless --bind opens it"
        )


def text_of(value: Any, place: str) -> str:
    """Return a text, empty where there is none. Raises SpecError for a list or an object."""
    if isinstance(value, dict | list):
        found = "a list" if isinstance(value, list) else "an object"
        raise SpecError(f"expected text, found {found}", path=place)
    text = "" if value is None else str(value)
    if _NO_TEXT.search(text):
        raise SpecError("holds a character that no variable or file name can hold", path=place)
    return text


def path_of(document: Document, name: str, place: str) -> Path:
    """Return the path of what the document calls `name`. Raises SpecError for what is none."""
    path = document.beside(name)
    if any(len(part.encode()) > _LONGEST for part in path.parts) or len(path.parts) > _LONGEST:
        raise SpecError("expected a path, found a name that no file can have", path=place)
    return path


def texts_of(value: Any, place: str) -> dict[str, str]:
    """Return a mapping of texts, empty where there is none. Raises SpecError for anything else."""
    return {key: text_of(each, joined(place, key)) for key, each in object_of(value, place).items()}


def object_of(value: Any, place: str) -> dict[str, Any]:
    """Return a mapping, empty where there is none. Raises SpecError for anything else."""
    if value is not None and not isinstance(value, dict):
        raise SpecError(f"expected an object, found {value!r}", path=place)
    return value or {}


def number_of(value: Any, place: str) -> int:
    """Return a whole number, which YAML keeps as text. Raises SpecError for anything else."""
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,12}", str(value)):
        raise SpecError(f"expected a whole number, found {value!r}", path=place)
    return int(value)


def start_period(probe: Mapping[str, Any], place: str, said: Said) -> str:
    """Return how long init() may take: as long as a liveness probe waits before it gives up.

    Never less than without a probe, since this machine may be slower than the cloud's.
    """
    if not probe:
        return f"{_START_PERIOD}s"
    values = {
        key: default if probe.get(key) is None else number_of(probe[key], joined(place, key))
        for key, default in _PROBE.items()
    }
    allowed = values["initial_delay"] + values["period"] * values["failure_threshold"]
    seconds = max(allowed, _START_PERIOD)
    said.notes.append(f"{place}: init() may take {seconds} s; the probe itself has no effect")
    return f"{seconds}s"


def reference_of(value: str, kind: str, place: str) -> Reference | None:
    """Return what `azureml:NAME:VERSION` or `azureml:NAME@latest` names; None for a path.

    Raises SpecError for what lies in the cloud.
    """
    if "://" in value or value.startswith(("/subscriptions/", "azureml:/")):
        raise SpecError(
            f"{value!r} lies elsewhere, and nothing is fetched",
            path=place,
            hint=f"download it, register it with {register_command(kind)}, and write azureml:NAME",
        )
    if not value.startswith("azureml:"):
        return None
    match = _ASSET.fullmatch(value)
    if match is None or match[3] not in (None, "latest"):
        raise SpecError(
            f"expected azureml:NAME:VERSION or azureml:NAME@latest, found {value!r}", path=place
        )
    return Reference(text=f"{match[1]}:{match[2]}" if match[2] else match[1], place=place)


def register_command(kind: str, name: str = "NAME") -> str:
    """Return the command that registers a model or an environment."""
    return f"scoredock {kind} register PATH --name {name}"


def place_of(document: Document, *keys: str) -> str:
    """Return where a key stands, as messages have it."""
    return f"{document.label}: {'.'.join(keys)}"
