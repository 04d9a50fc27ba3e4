"""Models: registered once, read by name and version ever after; see versions.py for how."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from scoredock.errors import NotFoundError, WorkspaceError
from scoredock.manifest import (
    Manifest,
    check_unicode,
    checked_framework,
    manifest_text,
    parse_manifest,
    texts,
)
from scoredock.meter import Meter, size_text
from scoredock.storage import disk_errors, write_durably
from scoredock.tree import copy_tree, refuse_changes, settle, survey
from scoredock.versions import check_name, split_reference
from scoredock.workspace import MANIFEST_FILE, Workspace

Report = Callable[[str], None]
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


def register(
    workspace: Workspace,
    path: Path,
    *,
    name: str,
    description: str = "",
    tags: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    framework: str = "",
    framework_version: str = "",
    child_paths: Sequence[str] = (),
    report: Report = lambda _: None,
) -> Model:
    """Copy a file or a folder, or of it what `child_paths` name, and return the new version.

    Raises WorkspaceError for what cannot be registered, StorageError where the disk refuses.
    """
    draft = new_manifest(
        name=name,
        description=description,
        tags=tags,
        properties=properties,
        framework=framework,
        framework_version=framework_version,
    )
    tree = survey(path, child_paths)
    meter = Meter(tree.size, report)

    def fill(folder: Path) -> Manifest:
        files = copy_tree(tree, folder, meter)
        refuse_changes(tree, survey(path, child_paths))
        return replace(draft, entry=tree.entry, files=files, empty_folders=tree.empty_folders)

    model = add(workspace, name, fill)
    report(f"registered {told(model)} in {meter.elapsed}")
    return model


def new_manifest(
    *,
    name: str,
    description: str = "",
    tags: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    framework: str = "",
    framework_version: str = "",
) -> Manifest:
    """Return a manifest without version and files. Raises WorkspaceError."""
    check_name(name, "a model")
    check_unicode([description, framework_version], "the model's description")
    return Manifest(
        name=name,
        version=0,
        created=datetime.now(timezone.utc),
        description=description,
        tags=texts(tags, "tags"),
        properties=texts(properties, "properties"),
        framework=checked_framework(framework, framework_version),
        framework_version=framework_version,
        entry="",
    )


def add(workspace: Workspace, name: str, fill: Callable[[Path], Manifest]) -> Model:
    """Publish what `fill` writes into the folder that it is given, as it says in the manifest."""
    store = workspace.models
    with disk_errors(workspace.folder), store.staged() as scratch:
        prepared = scratch / "version"
        (prepared / FILES).mkdir(parents=True)
        manifest = fill(prepared / FILES)
        settle(prepared, [f"{FILES}/{path}" for path in manifest.empty_folders])

        def finish(number: int) -> None:
            text = manifest_text(replace(manifest, version=number))
            write_durably(prepared / MANIFEST_FILE, text)

        number = store.publish(name, prepared, finish=finish)
    return _model(replace(manifest, version=number), store.place(name, number))


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


def update(
    workspace: Workspace,
    model: Model,
    *,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> Model:
    """Replace the tags, the description or both; None leaves what is there."""
    new = None if tags is None else texts(tags, "tags")
    check_unicode([description or ""], "description")

    def with_new(now: Manifest) -> Manifest:
        return replace(
            now,
            tags=now.tags if new is None else new,
            description=now.description if description is None else description,
        )

    return change(workspace, model, with_new)


def add_tags(workspace: Workspace, model: Model, tags: Mapping[str, Any]) -> Model:
    """Add tags, or give those that are there another value."""
    new = texts(tags, "tags")
    return change(workspace, model, lambda now: replace(now, tags={**now.tags, **new}))


def remove_tags(workspace: Workspace, model: Model, keys: Sequence[str]) -> Model:
    """Remove tags; those that are not there are nothing to remove."""

    def without(now: Manifest) -> Manifest:
        return replace(now, tags={k: v for k, v in now.tags.items() if k not in keys})

    return change(workspace, model, without)


def add_properties(workspace: Workspace, model: Model, properties: Mapping[str, Any]) -> Model:
    """Add properties. Raises WorkspaceError where one is there with another value: they stay."""
    new = texts(properties, "properties")

    def with_new(now: Manifest) -> Manifest:
        for key, value in new.items():
            if now.properties.get(key, value) != value:
                raise WorkspaceError(
                    f"{model.id}: the property {key!r} is {now.properties[key]!r}, and properties "
                    "do not change",
                    hint="use a tag for what changes",
                )
        return replace(now, properties={**now.properties, **new})

    return change(workspace, model, with_new)


def change(workspace: Workspace, model: Model, how: Callable[[Manifest], Manifest]) -> Model:
    """Replace the manifest by what `how` makes of it as it is now, whoever else changes it.

    Raises NotFoundError where the version was deleted meanwhile.
    """
    store = workspace.models
    with disk_errors(model.folder), store.locked(model.name, model.version) as folder:
        now = how(_parse(folder))
        store.replace_main(folder, manifest_text(now))
    return _model(now, folder)


def delete(workspace: Workspace, model: Model) -> None:
    """Delete a version; its number is not given again."""
    with disk_errors(model.folder):
        workspace.models.delete(model.name, model.version)


def told(model: Manifest) -> str:
    """Return `name:1: 3 files, 1.2 MB`."""
    count = len(model.files)
    return f"{model.id}: {count} file{'s' * (count != 1)}, {size_text(model.size)}"


def _read(folder: Path) -> Model | None:
    """Return the version in a folder, or None where it was deleted."""
    try:
        return _model(_parse(folder), folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorkspaceError(f"{folder / MANIFEST_FILE}: cannot be read: {error}") from error


def _parse(folder: Path) -> Manifest:
    file = folder / MANIFEST_FILE
    return parse_manifest(file.read_bytes(), label=str(file))


def _model(manifest: Manifest, folder: Path) -> Model:
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
