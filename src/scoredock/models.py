"""Models that are registered: found by name and version, listed by what is known of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scoredock.errors import NotFoundError, WorkspaceError
from scoredock.manifest import Manifest, parse_manifest
from scoredock.meter import size_text
from scoredock.versions import check_name, split_reference
from scoredock.workspace import MANIFEST_FILE, Workspace

# A key, or a key and the value that it has to have.
Wanted = str | tuple[str, str]
FILES: Final = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Manifest):
    """One registered version, and where it lies."""

    folder: Path

    @property
    def files_folder(self) -> Path:
        """What is mounted at azureml-models/NAME/VERSION."""
        return self.folder / FILES

    @property
    def manifest_file(self) -> Path:
        """What the server checks the files against."""
        return self.folder / MANIFEST_FILE

    @property
    def path(self) -> Path:
        """The one file or folder that was registered."""
        return self.files_folder / self.entry


def find(
    workspace: Workspace,
    reference: str,
    *,
    version: int | str | None = None,
    tags: Sequence[Wanted] = (),
    properties: Sequence[Wanted] = (),
    framework: str = "",
) -> Model:
    """Return the newest version of `NAME` that has what is asked for, or just `NAME:VERSION`.

    Raises NotFoundError where there is none.
    """
    name, number = split_reference(reference, version)
    store = workspace.models
    folder = store.find(name, number)
    numbers = reversed(store.numbers(name)) if number is None else [number]
    for each in numbers:
        model = _read(store.place(name, each))
        if model and _fits(model, tags, properties, framework):
            return model
    raise NotFoundError(
        f"{folder.parent}: no version of {name} has all that is asked for",
        hint=f"see what there is: scoredock model list --name {name}",
    )


def list_models(
    workspace: Workspace,
    *,
    name: str | None = None,
    tags: Sequence[Wanted] = (),
    properties: Sequence[Wanted] = (),
    framework: str = "",
    latest: bool = False,
) -> list[Model]:
    """Return the versions that have all that is asked for, by name, the oldest first.

    With `latest` only the newest version of each name is looked at.
    """
    models = all_models(workspace, name=name, latest=latest)
    return [model for model in models if _fits(model, tags, properties, framework)]


def all_models(
    workspace: Workspace, *, name: str | None = None, latest: bool = False
) -> Iterator[Model]:
    """Yield every version; one that is deleted meanwhile is passed over."""
    store = workspace.models
    for each in store.names() if name is None else [check_name(name, "a model")]:
        for number in store.numbers(each)[-1 if latest else 0 :]:
            if model := _read(store.place(each, number)):
                yield model


def told(model: Manifest) -> str:
    """Return `name:1: 3 files, 1.2 MB`."""
    count = len(model.files)
    return f"{model.id}: {count} file{'s' * (count != 1)}, {size_text(model.size)}"


def _read(folder: Path) -> Model | None:
    """Return the version in a folder, or None where it was deleted."""
    try:
        return as_model(parse_folder(folder), folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorkspaceError(f"{folder / MANIFEST_FILE}: cannot be read: {error}") from error


def parse_folder(folder: Path) -> Manifest:
    """Return the manifest in a version's folder."""
    file = folder / MANIFEST_FILE
    return parse_manifest(file.read_bytes(), label=str(file))


def as_model(manifest: Manifest, folder: Path) -> Model:
    """Return the version that lies in `folder`."""
    fields = {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
    return Model(**fields, folder=folder)


def _fits(
    model: Model, tags: Sequence[Wanted], properties: Sequence[Wanted], framework: str
) -> bool:
    return (
        framework in ("", model.framework)
        and all(_has(model.tags, wanted) for wanted in tags)
        and all(_has(model.properties, wanted) for wanted in properties)
    )


def _has(values: Mapping[str, str], wanted: Wanted) -> bool:
    if isinstance(wanted, str):
        return wanted in values
    key, value = wanted
    return values.get(key) == value
