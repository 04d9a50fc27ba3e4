import os
import socket

import pytest

from scoredock import tree as trees
from scoredock.errors import WorkspaceError
from scoredock.meter import Meter
from scoredock.tree import copy_tree, refuse_changes, survey


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a")
    (folder / "sub" / "b.bin").write_bytes(b"bb")
    (folder / "empty" / "inner").mkdir(parents=True)
    return folder


def paths(tree):
    return [file.path for file in tree.files]


def test_a_folder_keeps_its_name_and_what_is_empty(folder):
    tree = survey(folder)

    assert paths(tree) == ["model/a.bin", "model/sub/b.bin"]
    assert tree.empty_folders == ("model/empty/inner",)
    assert (tree.entry, tree.size) == ("model", 3)


def test_a_file_keeps_its_name(folder):
    assert paths(survey(folder / "a.bin")) == ["a.bin"]


@pytest.mark.parametrize("path", [".", "sub/..", "../model", "../model/"])
def test_the_name_is_that_of_the_folder_however_it_is_written(folder, monkeypatch, path):
    monkeypatch.chdir(folder)

    assert survey(path).entry == "model"


def test_child_paths_choose_and_keep_their_place(folder):
    assert paths(survey(folder, ["sub/b.bin"])) == ["model/sub/b.bin"]
    assert paths(survey(folder, ["sub", "sub/b.bin", "a.bin"])) == [
        "model/a.bin",
        "model/sub/b.bin",
    ]


@pytest.mark.parametrize(
    ("child", "message"),
    [
        ("absent", "has no 'absent'"),
        ("sub/absent", "has no 'sub/absent'"),
        ("../x", "expected a path within"),
        ("/etc/passwd", "expected a path within"),
        ("", "expected a path within"),
    ],
)
def test_a_child_path_that_is_not_there_or_not_in_the_folder_is_refused(folder, child, message):
    with pytest.raises(WorkspaceError, match=message):
        survey(folder, [child])


def test_a_link_within_the_folder_is_what_it_links_to(folder, tmp_path):
    (folder / "link.bin").symlink_to("sub/b.bin")
    (folder / "linked").symlink_to("sub")
    (tmp_path / "latest").symlink_to("model")

    tree = survey(tmp_path / "latest")

    assert tree.entry == "latest"
    assert paths(tree) == [
        "latest/a.bin",
        "latest/link.bin",
        "latest/linked/b.bin",
        "latest/sub/b.bin",
    ]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/etc/hostname", "links to /etc/hostname, out of "),
        ("../other", "other, out of "),
        ("absent", "links to nothing"),
        ("bad", "links to nothing"),  # to itself
        (".", "links to a folder that holds it"),
        ("../model", "links to a folder that holds it"),
    ],
)
def test_a_link_that_leads_elsewhere_or_nowhere_is_refused(folder, tmp_path, target, message):
    (tmp_path / "other").mkdir()
    (folder / "bad").symlink_to(target)

    with pytest.raises(WorkspaceError, match=message) as caught:
        survey(folder)

    assert str(folder / "bad") in str(caught.value)


def test_a_link_in_a_chosen_child_may_lead_into_the_rest_of_the_folder(folder):
    (folder / "sub" / "up").symlink_to("../a.bin")

    assert paths(survey(folder, ["sub"])) == ["model/sub/b.bin", "model/sub/up"]


def test_what_is_neither_file_nor_folder_is_refused(folder):
    os.mkfifo(folder / "pipe")

    with pytest.raises(WorkspaceError, match="pipe: is neither a file nor a folder"):
        survey(folder)


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")

    with pytest.raises(WorkspaceError, match="socket: is neither a file nor a folder"):
        survey("socket")


def test_a_name_that_no_manifest_can_hold_is_refused(folder):
    (folder / os.fsdecode(b"\xff")).write_text("")

    with pytest.raises(WorkspaceError, match="its name is not UTF-8"):
        survey(folder)


@pytest.mark.parametrize(
    ("path", "message"),
    [("absent", "absent: no such file or folder"), ("model/empty", "holds no file"),
     ("/", "expected a file or a folder with a name")],
)  # fmt: skip
def test_what_holds_nothing_is_refused(folder, tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WorkspaceError, match=message):
        survey(path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: (folder / "a.bin").write_bytes(b"other"), "a.bin"),
        (lambda folder: (folder / "sub" / "new").write_bytes(b""), "new"),
        (lambda folder: (folder / "sub" / "b.bin").unlink(), "b.bin"),
        (lambda folder: os.utime(folder / "a.bin", ns=(1, 1)), "a.bin"),
    ],
)
def test_what_changes_after_it_was_looked_through_is_named(folder, tmp_path, change, named):
    before = survey(folder)
    change(folder)

    with pytest.raises(WorkspaceError, match=rf"{named}: changed while it was copied"):
        refuse_changes(before, survey(folder))


def test_a_file_that_grows_without_end_ends_the_copy(folder, tmp_path):
    tree = survey(folder)
    (folder / "a.bin").write_bytes(b"x" * 10_000_000)

    with pytest.raises(WorkspaceError, match=r"a\.bin: changed while it was copied"):
        copy_tree(tree, tmp_path / "copy", Meter(0, print))

    assert (tmp_path / "copy" / "model" / "a.bin").stat().st_size == 2


def test_everybody_may_read_a_copy_whatever_the_umask(folder, tmp_path):
    (folder / "sub" / "b.bin").chmod(0o700)
    before = os.umask(0o077)
    try:
        copy_tree(survey(folder), tmp_path / "copy", Meter(0, print))
        trees.settle(tmp_path / "copy", ["model/empty"])
    finally:
        os.umask(before)

    modes = {
        path.relative_to(tmp_path / "copy").as_posix(): oct(path.stat().st_mode & 0o777)
        for path in (tmp_path / "copy").rglob("*")
    }
    assert modes == {
        "model": "0o755",
        "model/a.bin": "0o644",
        "model/empty": "0o755",
        "model/sub": "0o755",
        "model/sub/b.bin": "0o755",
    }
