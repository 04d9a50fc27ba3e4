"""The workspace of a program: a folder, found where the command line finds it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scoredock import workspace as folders
from scoredock.output import note
from scoredock.sdk.errors import UserErrorException, raised_as
from scoredock.sdk.settings import setting, use_state_folder

if TYPE_CHECKING:
    from scoredock.sdk.environment import Environment
    from scoredock.sdk.model import Model
    from scoredock.sdk.webservice import Webservice

# Where the cloud's SDK looks for its workspace, in each folder upwards.
_CLOUD_CONFIG: Final = (".azureml/config.json", "aml_config/config.json", "config.json")
_HERE: Final = "local"
_noted: set[Path] = set()


class Workspace:
    """Where models, environments and services are."""

    # Of the cloud, for programs that print them.
    subscription_id = resource_group = location = _HERE

    def __init__(
        self,
        subscription_id: str | None = None,  # noqa: ARG002 - of the cloud
        resource_group: str | None = None,  # noqa: ARG002
        workspace_name: str | None = None,
        **_of_the_cloud: Any,
    ) -> None:
        """Find the workspace, which is called `workspace_name` where that is given."""
        self.inner = _named(_find(None), workspace_name)

    @classmethod
    def _of(cls, inner: folders.Workspace) -> "Workspace":
        made = cls.__new__(cls)
        made.inner = inner
        return made

    @classmethod
    def from_config(
        cls,
        path: str | Path | None = None,
        auth: Any = None,  # noqa: ARG003 - of the cloud
        _logger: Any = None,
        _file_name: str | None = None,
    ) -> "Workspace":
        """Return the workspace of the project.

        `path` is its folder, or a folder or file of the project to look from; without one it is
        that of SCOREDOCK_WORKSPACE, or else the nearest from the working directory upwards. What a
        config.json of the cloud says is passed over, with a note.
        """
        start = Path(path) if path is not None else None
        if start is not None and not start.exists():
            raise UserErrorException(f"{start}: no such folder or file")
        inner = _find(start)
        _note_cloud_config(start or Path.cwd(), inner)
        return cls._of(inner)

    @classmethod
    def create(
        cls,
        name: str,
        auth: Any = None,  # noqa: ARG003 - of the cloud
        subscription_id: str | None = None,  # noqa: ARG003
        resource_group: str | None = None,  # noqa: ARG003
        location: str | None = None,  # noqa: ARG003
        *,
        folder: str | Path | None = None,
        exist_ok: bool = False,
        **_of_the_cloud: Any,
    ) -> "Workspace":
        """Make a workspace in `folder`; without one where `scoredock workspace init` makes it.

        One of that name that is there is returned with `exist_ok`, and else an error.
        """
        where = Path(folder) if folder is not None else _set_folder() or folders.default_folder()
        if (where / folders.WORKSPACE_FILE).is_file() and not exist_ok:
            raise UserErrorException(
                f"{where}: there is a workspace already",
                hint="exist_ok=True takes it as it is",
            )
        with raised_as(UserErrorException):
            return cls._of(folders.init_workspace(where, name=name))

    @classmethod
    def get(
        cls,
        name: str,
        auth: Any = None,  # noqa: ARG003 - of the cloud
        subscription_id: str | None = None,  # noqa: ARG003
        resource_group: str | None = None,  # noqa: ARG003
        **_of_the_cloud: Any,
    ) -> "Workspace":
        """Return the workspace that from_config() finds, if it has this name."""
        return cls._of(_named(_find(None), name))

    @classmethod
    def list(cls, *_of_the_cloud: Any, **_more: Any) -> "dict[str, Sequence[Workspace]]":
        """Return the workspace that from_config() finds, by its name; none where there is none."""
        try:
            found = cls._of(_find(None))
        except UserErrorException:
            return {}
        return {found.name: [found]}

    @property
    def name(self) -> str:
        """What it is called."""
        return self.inner.name

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.inner.folder

    @property
    def models(self) -> dict[str, "Model"]:
        """The newest version of each model, by its name."""
        from scoredock.sdk.model import Model

        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def environments(self) -> dict[str, "Environment"]:
        """The newest version of each environment, by its name."""
        from scoredock.sdk.environment import Environment

        return Environment.list(self)

    @property
    def webservices(self) -> dict[str, "Webservice"]:
        """Every service, by its name."""
        from scoredock.sdk.webservice import Webservice

        return {service.name: service for service in Webservice.list(self)}

    def get_details(self) -> dict[str, Any]:
        """Return what is known of the workspace."""
        return {"name": self.name, "location": self.location, "folder": str(self.folder)}

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r}, folder={str(self.folder)!r})"


def _set_folder() -> Path | None:
    use_state_folder()
    set_folder = setting("SCOREDOCK_WORKSPACE")
    return Path(set_folder) if set_folder else None


def _find(start: Path | None) -> folders.Workspace:
    with raised_as(UserErrorException):
        if start is None:
            return folders.find_workspace(_set_folder())
        if (start / folders.WORKSPACE_FILE).is_file():
            return folders.load_workspace(start)
        return folders.find_workspace(start=start if start.is_dir() else start.parent)


def _named(found: folders.Workspace, name: str | None) -> folders.Workspace:
    if name not in (None, found.name):
        raise UserErrorException(
            f"expected a workspace {name!r}, found {found.name!r} in {found.folder}",
            hint="set SCOREDOCK_WORKSPACE to its folder, or pass that to from_config()",
        )
    return found


def _note_cloud_config(start: Path, found: folders.Workspace) -> None:
    """Say, once for each, that a file of the cloud's has no effect."""
    for file in _cloud_configs(start.absolute()):
        if file not in _noted:
            _noted.add(file)
            note(f"{file}: a workspace of the cloud, passed over: {found.folder} is used")


def _cloud_configs(start: Path) -> Iterator[Path]:
    given = [start] if start.is_file() else []
    folders_above = [start, *start.parents] if start.is_dir() else []
    for file in (*given, *(folder / name for folder in folders_above for name in _CLOUD_CONFIG)):
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(data, dict) and "workspace_name" in data:
            yield file
