import fcntl
import os

import pytest

from scoredock import storage
from scoredock.errors import NotFoundError, WorkspaceError
from scoredock.versions import VersionStore, check_name, split_reference


@pytest.fixture
def store(tmp_path):
    return VersionStore(
        folder=tmp_path / "things",
        staging=tmp_path / ".staging",
        kind="a thing",
        main="main.txt",
    )


def publish(store, name="a", text="x"):
    with store.staged() as scratch:
        prepared = scratch / "version"
        prepared.mkdir()
        (prepared / "more.txt").write_text("more")

        def finish(number):
            (prepared / "main.txt").write_text(f"{text} {number}")

        return store.publish(name, prepared, finish=finish)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a", "1", "a.b-c_d", "A" * 255])
def test_a_name_may_have(name):
    assert check_name(name, "a model") == name


@pytest.mark.parametrize("name", ["", ".a", "-a", "_a", "a b", "a/b", "ä", "a\n", "A" * 256, ".."])
def test_a_name_may_not_have(name):
    with pytest.raises(WorkspaceError, match="expected the name of a model to be 1 to 255 letters"):
        check_name(name, "a model")


@pytest.mark.parametrize(
    ("reference", "version", "expected"),
    [
        ("a", None, ("a", None)),
        ("a:3", None, ("a", 3)),
        ("a", 3, ("a", 3)),
        ("a", "3", ("a", 3)),
        ("a:3", 3, ("a", 3)),
    ],
)
def test_a_reference_is_a_name_with_or_without_a_version(reference, version, expected):
    assert split_reference(reference, version) == expected


@pytest.mark.parametrize(
    ("reference", "version"),
    [("a:", None), ("a:x", None), ("a:0", None), ("a:-1", None), ("a:01", None), ("a", ""),
     ("a", 0), ("a", -1), ("a:1", 2), ("a:1:2", None), ("a", True)],
)  # fmt: skip
def test_a_version_that_is_none_is_refused(reference, version):
    with pytest.raises(WorkspaceError, match="expected"):
        split_reference(reference, version)


def test_versions_are_numbered_from_1_for_each_name(store):
    assert [publish(store), publish(store), publish(store, "b")] == [1, 2, 1]
    assert (store.names(), store.numbers("a"), store.numbers("absent")) == (["a", "b"], [1, 2], [])
    assert (store.find("a") / "main.txt").read_text() == "x 2"
    assert names_in(store.staging) == []


def test_a_number_that_another_takes_first_is_passed_over(store):
    with store.staged() as scratch:
        prepared = scratch / "version"
        prepared.mkdir()
        tried = []

        def finish(number):
            tried.append(number)
            (prepared / "main.txt").write_text(str(number))
            if number < 3:
                publish(store, text="another's")

        number = store.publish("a", prepared, finish=finish)

    assert (tried, number) == ([1, 2, 3], 3)
    assert [(store.place("a", n) / "main.txt").read_text() for n in (1, 2, 3)] == [
        "another's 1",
        "another's 2",
        "3",
    ]


def test_what_is_the_same_as_the_newest_version_is_that_one(store):
    publish(store)
    publish(store)

    with store.staged() as scratch:
        asked = []
        number = store.publish(
            "a",
            scratch / "absent",
            finish=lambda number: pytest.fail(f"{number} was to be published"),
            is_same=lambda folder: asked.append(folder.name) or True,
        )

    assert (number, asked) == (2, ["2"])


def test_a_version_that_is_not_there_is_named_with_those_that_are(store):
    for _ in range(5):
        publish(store)
    store.delete("a", 2)
    store.delete("a", 4)

    with pytest.raises(NotFoundError, match="a has no version 4") as version:
        store.find("a", 4)
    with pytest.raises(NotFoundError, match="no thing 'b'") as name:
        store.find("b")

    assert version.value.hint == "its versions are 1, 3, 5"
    assert name.value.hint == "there is a"


def test_the_number_of_a_version_that_was_deleted_is_never_given_again(store):
    publish(store)
    publish(store)
    store.delete("a", 2)
    store.delete("a", 1)

    assert (store.names(), store.numbers("a")) == ([], [])
    assert names_in(store.place("a", 2)) == ["deleted"]
    assert publish(store) == 3
    with pytest.raises(NotFoundError, match="a has no version 2"):
        store.delete("a", 2)


@pytest.mark.parametrize("action", ["delete the same", "delete another", "publish"])
def test_a_deletion_that_was_cut_short_is_finished_by_the_next_call(store, action):
    publish(store)
    publish(store)
    (store.place("a", 1) / "main.txt").rename(store.place("a", 1) / "deleted")

    assert store.numbers("a") == [2]
    if action == "publish":
        assert publish(store) == 3
    else:
        store.delete("a", 1 if action == "delete the same" else 2)

    assert names_in(store.place("a", 1)) == ["deleted"]


def test_what_a_living_writer_prepares_is_left_alone_and_that_of_a_dead_one_swept(store):
    with store.staged() as alive:
        (alive / "version").mkdir()
        dead = store.staging / "dead"
        dead.mkdir()
        (dead / "lock").touch()
        (dead / "version").mkdir()
        (store.staging / "never begun").mkdir()

        publish(store)

        assert names_in(store.staging) == [alive.name]
        assert names_in(alive) == ["lock", "version"]


def test_a_folder_that_is_swept_before_its_writer_has_a_lock_is_no_loss(store, monkeypatch):
    sweeps = []

    def swept_first(path, *, flags, lock=storage._try_lock):
        if flags & os.O_CREAT and not sweeps:
            sweeps.append(path.parent)
            storage.sweep(store.staging)
        return lock(path, flags=flags)

    monkeypatch.setattr(storage, "_try_lock", swept_first)
    with store.staged() as scratch:
        assert scratch != sweeps[0]
        assert names_in(store.staging) == [scratch.name]


def test_a_lock_that_was_replaced_while_it_was_waited_for_is_taken_anew(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    opened = []

    def replaced_first(file, how, flock=fcntl.flock):
        if not opened:
            opened.append(file)
            (tmp_path / "new").write_text("new")
            (tmp_path / "new").replace(path)
        flock(file, how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", replaced_first)
        with storage.locked(path):
            other = os.open(path, os.O_RDWR)
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(other)


def test_a_version_that_is_deleted_while_it_is_waited_for_is_not_there(store):
    publish(store)
    entered = []

    def deleted_first(file, how, flock=fcntl.flock):
        if not entered:
            entered.append(file)
            store.delete("a", 1)
        flock(file, how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", deleted_first)
        with pytest.raises(NotFoundError, match="was deleted meanwhile"), store.locked("a", 1):
            pytest.fail("it is not there")
