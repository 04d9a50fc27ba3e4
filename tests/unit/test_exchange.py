import io
import json
import os
import tarfile

import pytest

from scoredock import registry
from scoredock.errors import StorageError, WorkspaceError
from scoredock.exchange import export_version, import_version
from scoredock.stored import verify
from scoredock.workspace import init_workspace


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "workspace")


@pytest.fixture
def model(workspace, tmp_path):
    folder = tmp_path / "model"
    (folder / "empty").mkdir(parents=True)
    (folder / ("long" * 40)).mkdir()
    (folder / ("long" * 40) / "é.bin").write_bytes(b"long")
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return registry.register(
        workspace,
        folder,
        name="m",
        tags={"a": "b"},
        properties={"p": "q"},
        description="é",
        framework="Onnx",
    )


@pytest.fixture
def exported(model, tmp_path):
    return export_version(model, tmp_path / "m-1.tar")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def members(file):
    """Return each member with its content, as it may be written again."""
    with tarfile.open(file) as archive:
        found = []
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            found.append((member, content.read() if content else b""))
        return found


def write(file, found):
    with tarfile.open(file, "w") as archive:
        for member, content in found:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def test_a_version_comes_back_with_all_that_is_known_of_it(model, exported, tmp_path):
    other = init_workspace(tmp_path / "other")

    back = import_version(other, exported)

    assert back.id == "m:1"
    kept = ("description", "tags", "properties", "framework", "entry", "files", "empty_folders")
    assert [getattr(back, name) for name in kept] == [getattr(model, name) for name in kept]
    assert not verify(back)
    assert os.access(back.path / "run.sh", os.X_OK)


def test_it_is_the_next_version_where_the_name_is_there(workspace, exported):
    assert import_version(workspace, exported).id == "m:2"
    assert import_version(workspace, exported, name="other").id == "other:1"


def test_the_file_is_the_same_whenever_and_wherever_it_is_made(model, exported, tmp_path):
    for path in model.files_folder.rglob("*"):
        os.utime(path, ns=(1, 1))

    again = export_version(model, tmp_path / "elsewhere" / "again.tar")

    assert again.read_bytes() == exported.read_bytes()
    assert {(m.uid, m.gid, m.mtime, m.uname) for m, _ in members(again)} == {(0, 0, 0, "")}


def test_a_file_that_exists_is_overwritten_only_where_asked(model, exported):
    exported.write_text("mine")

    with pytest.raises(WorkspaceError, match="already exists"):
        export_version(model, exported)
    assert exported.read_text() == "mine"

    export_version(model, exported, overwrite=True)
    assert members(exported)


@pytest.mark.parametrize("content", [b"#!/bin/SH\n", b"#!"])
def test_a_damaged_version_is_not_exported(model, tmp_path, content):
    (model.path / "run.sh").write_bytes(content)

    with pytest.raises(StorageError, match=r"run\.sh: is not what was registered as m:1"):
        export_version(model, tmp_path / "out" / "x.tar")

    assert names_in(tmp_path / "out") == []


def member(name, kind=tarfile.REGTYPE, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


HOSTILE = [
    member("files/../../../stolen"),
    member("/tmp/stolen"),
    member("files/model/new.bin"),
    member("manifest.json"),
    member("files/model/run.sh", tarfile.SYMTYPE, "/etc/passwd"),
    member("files/model/run.sh", tarfile.LNKTYPE, "/etc/passwd"),
    member("files/model/run.sh", tarfile.CHRTYPE),
    member("files/model/run.sh", tarfile.FIFOTYPE),
    member("files/model/run.sh", tarfile.DIRTYPE),
    member("files/model/other", tarfile.DIRTYPE),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda m: f"{m.name} {m.type.decode()}")
def test_a_member_that_the_manifest_does_not_list_is_refused(workspace, exported, hostile):
    found = members(exported)
    manifest, rest = found[0], [each for each in found[1:] if each[0].name != hostile.name]
    write(exported, [manifest, *rest, (hostile, b"")])

    refused(workspace, exported, "which the manifest does not list")


def test_a_member_that_is_there_twice_is_refused(workspace, exported):
    write(exported, [*members(exported), members(exported)[-1]])

    refused(workspace, exported, "which the manifest does not list")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], "run.sh is not what its manifest says"),
        (lambda content: content.upper(), "run.sh is not what its manifest says"),
        (None, "it ends before 'files/model/run.sh'"),
    ],
)
def test_a_file_that_is_not_what_the_manifest_says_is_refused(workspace, exported, change, message):
    found = members(exported)
    changed = [
        (each, change(content) if each.name.endswith("run.sh") else content)
        for each, content in found
        if change or not each.name.endswith("run.sh")
    ]
    write(exported, changed)

    refused(workspace, exported, message)


def refused(workspace, file, message):
    with pytest.raises(WorkspaceError, match=message) as caught:
        import_version(workspace, file)
    assert str(file) in str(caught.value)
    assert [each.id for each in registry.list_models(workspace)] == ["m:1"]
    assert list((workspace.folder / ".staging").iterdir()) == []


@pytest.mark.parametrize(
    "paths",
    [
        ["../stolen"], ["/stolen"], ["model/../../stolen"], ["model//a"], ["model/./a"],
        ["other/a"], ["model/a\0"], ["model/a", "model/a"], ["model/a", "model/a/b"],
        ["model", "model/a"], [],
    ],
)  # fmt: skip
def test_a_manifest_that_lists_what_cannot_be_is_refused(workspace, exported, paths):
    found = members(exported)
    data = json.loads(found[0][1])
    data["files"] = [{"path": path, "size": 0, "sha256": ""} for path in paths]
    files = [(member(f"files/{path}"), b"") for path in paths if "\0" not in path]
    write(exported, [(found[0][0], json.dumps(data).encode()), *files])

    refused(workspace, exported, "expected a path in 'model'|is there twice|expected files")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../x"}, "expected the name of a model"),
        ({"version": "one"}, "version: "),
        ({"framework": "x"}, "expected a framework"),
        ({"files": [{"path": "model/a"}]}, r"files\[0\].size: expected a value, found nothing"),
    ],
)
def test_a_manifest_in_another_form_is_refused(workspace, exported, change, message):
    found = members(exported)
    data = json.loads(found[0][1]) | change
    write(exported, [(found[0][0], json.dumps(data).encode()), *found[1:]])

    refused(workspace, exported, message)


@pytest.mark.parametrize("keep", [0, 1, 511, 512, 1000, 5000])
def test_a_file_that_was_cut_short_is_refused(workspace, exported, keep):
    exported.write_bytes(exported.read_bytes()[:keep])

    refused(workspace, exported, "expected a file of `scoredock model export`")


@pytest.mark.parametrize("content", [b"\0" * 4096, b"pickled" * 1000, b"\x1f\x8b\x08" + b"0" * 600])
def test_another_file_is_refused(workspace, model, tmp_path, content):
    (tmp_path / "x").write_bytes(content)

    refused(workspace, tmp_path / "x", "expected a file of `scoredock model export`")


def test_files_before_the_manifest_are_refused(workspace, exported):
    found = members(exported)
    write(exported, [*found[1:], found[0]])

    refused(workspace, exported, r"it does not begin with manifest\.json")
