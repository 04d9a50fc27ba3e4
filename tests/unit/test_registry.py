import json
import os
from dataclasses import replace

import pytest

from scoredock import registry
from scoredock.errors import NotFoundError, WorkspaceError
from scoredock.stored import Differences, download, verify
from scoredock.workspace import init_workspace


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "workspace")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "ridge.pkl"
    file.write_bytes(b"ridge")
    return file


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "empty").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a")
    (folder / "b.bin").write_bytes(b"bb")
    return folder


@pytest.fixture
def register(workspace, file):
    def call(name="ridge", path=file, **values):
        return registry.register(workspace, path, name=name, **values)

    return call


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def staged(workspace):
    folder = workspace.folder / ".staging"
    return list(folder.iterdir())


def ids(models):
    return [model.id for model in models]


def test_a_file_is_where_the_entry_script_will_look_for_it(register, workspace):
    model = register(description="é", tags={"area": "health", "n": 1}, properties={"k": "v"})

    assert model.id == "ridge:1"
    assert model.files_folder == workspace.folder / "models" / "ridge" / "1" / "files"
    assert model.path == model.files_folder / "ridge.pkl"
    assert model.path.read_bytes() == b"ridge"
    manifest = json.loads(model.manifest_file.read_text())
    assert manifest.pop("created").endswith("Z")
    assert manifest == {
        "name": "ridge",
        "version": 1,
        "description": "é",
        "tags": {"area": "health", "n": "1"},
        "properties": {"k": "v"},
        "framework": "Custom",
        "framework_version": "",
        "entry": "ridge.pkl",
        "size": 5,
        "files": [
            {
                "path": "ridge.pkl",
                "size": 5,
                "sha256": "409e364456fa93642cd24878f532fffe31e3aae5944d04239a7d023e66ebdbe3",
            }
        ],
        "empty_folders": [],
    }


def test_what_is_registered_is_what_is_found(register, workspace):
    first, second = register(), register(tags={"a": "b"})

    assert registry.find(workspace, "ridge:1") == first
    assert registry.find(workspace, "ridge").id == second.id
    assert registry.find(workspace, "ridge", version="1").id == "ridge:1"
    assert registry.find(workspace, "ridge").tags == {"a": "b"}


def test_the_newest_version_that_has_what_is_asked_for_is_found(register, workspace):
    register(tags={"stage": "live"}, framework="Onnx")
    register(tags={"stage": "test"}, properties={"p": "1"})
    register()

    assert registry.find(workspace, "ridge", tags=["stage"]).version == 2
    assert registry.find(workspace, "ridge", tags=[("stage", "live")]).version == 1
    assert registry.find(workspace, "ridge", properties=[("p", "1")]).version == 2
    assert registry.find(workspace, "ridge", framework="Onnx").version == 1
    with pytest.raises(NotFoundError, match="no version of ridge has all"):
        registry.find(workspace, "ridge", tags=["stage"], framework="PyTorch")
    with pytest.raises(NotFoundError, match="no version of ridge has all"):
        registry.find(workspace, "ridge:3", tags=["stage"])


def test_lists_are_filtered(register, workspace):
    register("a", tags={"k": "1"})
    register("a", properties={"p": "1"})
    register("b", tags={"k": "2"}, framework="PyTorch", framework_version="2.1")

    def listed(**filters):
        return ids(registry.list_models(workspace, **filters))

    assert listed() == ["a:1", "a:2", "b:1"]
    assert listed(name="a") == ["a:1", "a:2"]
    assert listed(name="absent") == []
    assert listed(latest=True) == ["a:2", "b:1"]
    assert listed(tags=["k"]) == ["a:1", "b:1"]
    assert listed(tags=["k"], latest=True) == ["b:1"]
    assert listed(tags=[("k", "2")]) == ["b:1"]
    assert listed(tags=["k", ("k", "1")]) == ["a:1"]
    assert listed(properties=["p"]) == ["a:2"]
    assert listed(framework="PyTorch") == ["b:1"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "-x"}, "expected the name of a model"),
        ({"framework": "sklearn"}, "expected a framework, Custom, TensorFlow, .*found 'sklearn'"),
        ({"framework_version": "1"}, "expected a framework with its version '1', found none"),
        ({"tags": {"a": None}}, "expected tags of text by text, found 'a': None"),
        ({"tags": {"": "a"}}, "expected tags of text by text"),
        ({"tags": {1: "a"}}, "expected tags of text by text"),
        ({"properties": {"a": []}}, "expected properties of text by text"),
        ({"tags": {"a": "\udc80"}}, "is not Unicode"),
        ({"description": "\udc80"}, "is not Unicode"),
        ({"child_paths": ["x"]}, "has no 'x'"),
    ],
)
def test_what_cannot_be_registered_leaves_nothing(register, workspace, values, message):
    with pytest.raises(WorkspaceError, match=message):
        register(**values)

    assert registry.list_models(workspace) == []
    assert not (workspace.folder / "models").exists()
    assert staged(workspace) == []


def test_a_file_that_is_written_meanwhile_is_not_registered(workspace, folder):
    original = registry.copy_tree

    def copy_and_change(tree, target, meter):
        files = original(tree, target, meter)
        (folder / "a.bin").write_bytes(b"A")
        return files

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "copy_tree", copy_and_change)
        with pytest.raises(WorkspaceError, match=r"a\.bin: changed while it was copied"):
            registry.register(workspace, folder, name="m")

    assert registry.list_models(workspace) == []
    assert staged(workspace) == []


def test_a_folder_that_holds_the_workspace_is_refused_but_not_a_part_of_either(
    workspace, register, tmp_path
):
    model = register()

    with pytest.raises(WorkspaceError, match="the workspace lies in it"):
        register(path=tmp_path)

    assert register(path=tmp_path, child_paths=["ridge.pkl"]).version == 2
    assert register(path=model.path).files == model.files


def test_tags_and_description_change_and_nothing_else(register, workspace):
    model = register(tags={"a": "1", "b": "2"}, description="old")

    registry.add_tags(workspace, model, {"c": "3", "a": "one"})
    registry.remove_tags(workspace, model, ["b", "absent"])
    registry.update(workspace, model, description="new")
    changed = registry.find(workspace, "ridge")

    assert changed == replace(model, tags={"a": "one", "c": "3"}, description="new")
    assert registry.update(workspace, model, tags={"x": "y"}).tags == {"x": "y"}
    assert registry.update(workspace, model, tags={}).description == "new"
    assert not verify(changed)


def test_properties_are_added_and_stay(register, workspace):
    model = register(properties={"run": "1"})

    added = registry.add_properties(workspace, model, {"run": "1", "more": "2"})
    with pytest.raises(WorkspaceError, match="ridge:1: the property 'run' is '1', and propert"):
        registry.add_properties(workspace, model, {"third": "3", "run": "2"})

    assert added.properties == {"run": "1", "more": "2"}
    assert registry.find(workspace, "ridge").properties == added.properties


def test_a_model_that_was_deleted_cannot_be_changed(register, workspace):
    model = register()
    registry.delete(workspace, model)

    with pytest.raises(NotFoundError, match="no model 'ridge'"):
        registry.add_tags(workspace, model, {"a": "b"})
    with pytest.raises(NotFoundError, match="no model 'ridge'"):
        registry.delete(workspace, model)

    assert register().version == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON"),
        ("{}", "name: expected a value, found nothing"),
        ('{"name": 3}', "name: expected str, found int"),
    ],
)
def test_a_manifest_that_was_spoilt_is_named(register, workspace, text, message):
    file = register().manifest_file
    file.write_text(text)

    with pytest.raises(WorkspaceError, match=message) as caught:
        registry.list_models(workspace)

    assert str(file) in str(caught.value)


def test_every_difference_is_found_by_its_kind(workspace, folder):
    model = registry.register(workspace, folder, name="m")
    assert verify(model) == Differences()

    top = model.path
    (top / "a.bin").write_bytes(b"A")
    (top / "b.bin").unlink()
    (top / "empty").rmdir()
    (top / "new").mkdir()
    (top / "c.bin").symlink_to("a.bin")

    found = verify(model)
    assert found.missing == ("model/b.bin", "model/empty")
    assert found.extra == ("model/c.bin", "model/new")
    assert found.changed == ("model/a.bin",)
    assert found.lines()[0] == "missing: model/b.bin"
    assert bool(found)


def test_a_link_in_place_of_a_file_is_a_change_even_to_the_same_content(workspace, folder):
    model = registry.register(workspace, folder, name="m")
    (model.path / "a.bin").unlink()
    (model.path / "a.bin").symlink_to(folder / "a.bin")

    assert verify(model).changed == ("model/a.bin",)


def test_a_download_is_what_was_registered(workspace, folder, tmp_path):
    (folder / "a.bin").chmod(0o755)
    model = registry.register(workspace, folder, name="m")

    path = download(model, tmp_path / "here" / "new")

    assert path == tmp_path / "here" / "new" / "model"
    assert names_in(path) == ["a.bin", "b.bin", "empty"]
    assert os.access(path / "a.bin", os.X_OK)
    assert not (path / "b.bin").stat().st_mode & 0o111
    assert names_in(path.parent) == ["model"]


def test_a_download_overwrites_only_where_it_may(workspace, folder, tmp_path):
    model = registry.register(workspace, folder, name="m")
    target = tmp_path / "here" / "model"
    target.mkdir(parents=True)
    (target / "mine").write_text("")

    with pytest.raises(WorkspaceError, match=f"{target}: already exists"):
        download(model, tmp_path / "here")
    assert names_in(target) == ["mine"]

    assert download(model, tmp_path / "here", exist_ok=True) == target
    assert names_in(target) == ["a.bin", "b.bin", "empty"]


def test_a_damaged_model_is_not_handed_out(workspace, folder, tmp_path):
    model = registry.register(workspace, folder, name="m")
    (model.path / "b.bin").write_bytes(b"BB")

    with pytest.raises(Exception, match=r"b\.bin: is not what was registered as m:1"):
        download(model, tmp_path / "here")

    assert names_in(tmp_path / "here") == []
