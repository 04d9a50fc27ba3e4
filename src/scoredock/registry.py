"""Models: registered once, changed where they may be; models.py reads them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from scoredock.errors import WorkspaceError
from scoredock.manifest import Manifest, check_unicode, checked_framework, manifest_text, texts
from scoredock.meter import Meter
from scoredock.models import (
    FILES,
    Model,
    Wanted,
    all_models,
    as_model,
    find,
    list_models,
    parse_folder,
    told,
)
from scoredock.storage import disk_errors, write_durably
from scoredock.tree import Tree, copy_tree, refuse_changes, settle, survey
from scoredock.versions import check_name
from scoredock.workspace import MANIFEST_FILE, Workspace

__all__ = [
    "Model", "Wanted", "add", "add_properties", "add_tags", "all_models", "delete", "find",
    "list_models", "now", "register", "remove_tags", "update",
]  # fmt: skip

Report = Callable[[str], None]


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
    _refuse_itself(workspace, path, tree)
    meter = Meter(tree.size, report)

    def fill(folder: Path) -> Manifest:
        files = copy_tree(tree, folder, meter)
        refuse_changes(tree, survey(path, child_paths))
        return replace(draft, entry=tree.entry, files=files, empty_folders=tree.empty_folders)

    model = add(workspace, name, fill)
    report(f"registered {told(model)} in {meter.elapsed}")
    return model


def _refuse_itself(workspace: Workspace, path: Path, tree: Tree) -> None:
    """Raise WorkspaceError where the workspace lies in what is to be copied into it."""
    inside = workspace.folder.resolve()
    if path.resolve().is_relative_to(inside):
        return  # a part of it may well be registered again
    if any(file.source.is_relative_to(inside) for file in tree.files):
        raise WorkspaceError(
            f"{path}: the workspace lies in it, at {workspace.folder}",
            hint="name the model's own folder, or what belongs to it: --child-path",
        )


def now() -> datetime:
    """Return the time, as exactly as a manifest keeps it."""
    time = datetime.now(timezone.utc)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


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
        created=now(),
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
    return as_model(replace(manifest, version=number), store.place(name, number))


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

    def with_new(old: Manifest) -> Manifest:
        return replace(
            old,
            tags=old.tags if new is None else new,
            description=old.description if description is None else description,
        )

    return change(workspace, model, with_new)


def add_tags(workspace: Workspace, model: Model, tags: Mapping[str, Any]) -> Model:
    """Add tags, or give those that are there another value."""
    new = texts(tags, "tags")
    return change(workspace, model, lambda old: replace(old, tags={**old.tags, **new}))


def remove_tags(workspace: Workspace, model: Model, keys: Sequence[str]) -> Model:
    """Remove tags; those that are not there are nothing to remove."""

    def without(old: Manifest) -> Manifest:
        return replace(old, tags={k: v for k, v in old.tags.items() if k not in keys})

    return change(workspace, model, without)


def add_properties(workspace: Workspace, model: Model, properties: Mapping[str, Any]) -> Model:
    """Add properties. Raises WorkspaceError where one is there with another value: they stay."""
    new = texts(properties, "properties")

    def with_new(old: Manifest) -> Manifest:
        for key, value in new.items():
            if old.properties.get(key, value) != value:
                raise WorkspaceError(
                    f"{model.id}: the property {key!r} is {old.properties[key]!r}, and properties "
                    "do not change",
                    hint="use a tag for what changes",
                )
        return replace(old, properties={**old.properties, **new})

    return change(workspace, model, with_new)


def change(workspace: Workspace, model: Model, how: Callable[[Manifest], Manifest]) -> Model:
    """Replace the manifest by what `how` makes of it as it is now, whoever else changes it.

    Raises NotFoundError where the version was deleted meanwhile.
    """
    store = workspace.models
    with disk_errors(model.folder), store.locked(model.name, model.version) as folder:
        new = how(parse_folder(folder))
        store.replace_main(folder, manifest_text(new))
    return as_model(new, folder)


def delete(workspace: Workspace, model: Model) -> None:
    """Delete a version; its number is not given again."""
    with disk_errors(model.folder):
        workspace.models.delete(model.name, model.version)
