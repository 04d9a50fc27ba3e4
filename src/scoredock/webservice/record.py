"""What a service is: its port, and what it serves now and served before."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from scoredock.errors import WorkspaceError
from scoredock.port import local_name

RuntimeName: TypeAlias = Literal["docker", "process"]

# As the reference has it: lower case letters, digits and dashes, from 3 to 32.
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
_FORMAT = 1


class ServiceError(WorkspaceError):
    """A service is not there, cannot be named so, or is in no state for what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedModel:
    """A model as a revision has it: `folder` becomes azureml-models/NAME/VERSION."""

    name: str
    version: str
    folder: str
    """Absolute; it holds one file or folder."""
    manifest: str = ""
    """The file with the hashes of a registered model; empty where it is not registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What is served between two updates; a folder of its own holds the code."""

    number: int
    created: str = ""
    """UTC, ISO 8601."""
    environment: str = ""
    """What the environment is found by: the name of its image, or its folder on this machine."""
    environment_name: str = ""
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    """The spec's, where no image has them."""
    source_name: str = ""
    entry_script: str = ""
    source: str = ""
    """The folder that the code was copied from, for a reload."""
    source_is_root: bool = False
    """Whether AML_APP_ROOT is the entry script's own folder, as for a v2 deployment."""
    models: tuple[MountedModel, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the service, which win over the environment's own."""
    service_options: Mapping[str, Any] = field(default_factory=dict)
    """How the container runs: keys of a compose service."""
    start_period: str = "120s"
    debug_port: int = 0
    """Where a debugger attaches, on loopback; 0: none is let in."""
    debugpy: str = ""
    """The folder that holds the debugger, outside of the environment."""
    server: int = 0
    """The number of the revision that its server was started for, where that has only other code;
    0: it has a server of its own."""
    has_keys: bool = False
    """Whether its server was started with the service's keys, and so asks for one."""

    @property
    def server_number(self) -> int:
        """What its server is called by."""
        return self.server or self.number

    def differs_in_code_only(self, other: "Revision") -> bool:
        """Tell whether a server that serves the other revision can serve this one."""
        own = {"number": 0, "created": "", "source": "", "server": 0, "has_keys": False}
        return replace(self, **own) == replace(other, **own)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """A service of the workspace; `current` is the number of the revision that serves, 0: none."""

    name: str
    runtime: RuntimeName
    bind: str
    port: int
    created: str
    holder: str = ""
    """What the port's holder is made from: an image or an environment's folder."""
    key_file: str = ""
    """The service's own copy of its keys; empty where it asks for none."""
    current: int = 0
    previous: int = 0
    """What a rollback goes back to; 0 where there is nothing."""
    revisions: tuple[Revision, ...] = ()
    error: str = ""
    """Why the last deployment or update did not come to serve; empty after one that did."""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def revision(self, number: int) -> Revision:
        """Return the revision of that number. Raises ServiceError."""
        for revision in self.revisions:
            if revision.number == number:
                return revision
        raise ServiceError(f"{self.name}: no revision {number}")

    @property
    def serving(self) -> Revision:
        """The revision that serves. Raises ServiceError where none does."""
        return self.revision(self.current)

    @property
    def server(self) -> int:
        """The number of the server that serves, as that of `current` where nobody knows better."""
        known = (each.server_number for each in self.revisions if each.number == self.current)
        return next(known, self.current)

    @property
    def environments(self) -> set[str]:
        """What the port's holder and each revision are made from."""
        return {self.holder, *(each.environment for each in self.revisions)} - {""}

    @property
    def scoring_uri(self) -> str:
        """Where to POST, on this machine."""
        return f"http://{local_name(self.bind)}:{self.port}/score"

    def with_revision(self, revision: Revision) -> "ServiceRecord":
        """Return the record with a revision, in place of one of its number."""
        others = (each for each in self.revisions if each.number != revision.number)
        revisions = sorted((*others, revision), key=lambda each: each.number)
        return replace(self, revisions=tuple(revisions))


def check_name(name: str) -> str:
    """Return the name. Raises ServiceError for one that no service can have."""
    if not _NAME.fullmatch(name):
        raise ServiceError(
            f"expected a name of 3 to 32 lower-case letters, digits and dashes that begins with a "
            f"letter, found {name!r}"
        )
    return name


def record_data(record: ServiceRecord) -> dict[str, Any]:
    """Return the record as what JSON can hold."""
    return {"format": _FORMAT, **asdict(record)}


def read_record(data: Any, path: Path) -> ServiceRecord:
    """Return the record that `path` holds, from record_data(). Raises ServiceError."""
    try:
        if data.pop("format") != _FORMAT:
            raise ServiceError(f"{path}: of another scoredock", hint="use the one that wrote it")
        revisions = tuple(_revision(each) for each in data.pop("revisions"))
        return ServiceRecord(revisions=revisions, **data)
    except (AttributeError, KeyError, TypeError) as error:
        raise ServiceError(f"{path}: cannot be read: {error}") from error


def _revision(data: dict[str, Any]) -> Revision:
    models = tuple(MountedModel(**model) for model in data.pop("models"))
    return Revision(models=models, **data)
