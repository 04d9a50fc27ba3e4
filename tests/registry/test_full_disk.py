import os
import subprocess

import pytest

from scoredock import environments, registry
from scoredock.errors import StorageError
from scoredock.exchange import export_version
from scoredock.formats import read
from scoredock.stored import download, verify
from scoredock.workspace import init_workspace
from support import SCOREDOCK


@pytest.fixture
def full(small_disk, model):
    """A workspace with one model, on a disk that has not a byte left."""
    workspace = init_workspace(small_disk / "workspace")
    registry.register(workspace, model, name="first", tags={"old": "yes"})
    with (small_disk / "filler").open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return workspace


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_nothing_changes_and_the_error_says_why(full, model, small_disk, tmp_path):
    first = registry.find(full, "first")
    (tmp_path / "conda.yml").write_text("name: e\ndependencies: [python=3.8]\n")
    spec = read(tmp_path / "conda.yml").spec
    before = everything(small_disk)

    for attempt in (
        lambda: registry.register(full, model, name="second"),
        lambda: registry.register(full, model, name="first"),
        lambda: registry.add_tags(full, first, {"new": "x" * 10_000}),
        lambda: environments.register(full, spec, name="second"),
        lambda: export_version(first, small_disk / "first.tar"),
        lambda: download(first, small_disk),
    ):
        with pytest.raises(StorageError, match="No space left on device") as caught:
            attempt()
        assert caught.value.hint == "free some space and try again; nothing was changed"

    assert [path for path in everything(small_disk) if path not in before] == []
    assert registry.find(full, "first") == first
    assert not verify(first)


def test_a_model_can_be_deleted_and_then_there_is_room(full, model, small_disk):
    first = registry.find(full, "first")

    registry.delete(full, first)

    assert registry.list_models(full) == []
    # What was deleted keeps its record.
    assert registry.register(full, model / "part-0", name="first").version == 2


def test_the_command_ends_with_4_and_one_line(full, model):
    command = [SCOREDOCK, "model", "register", model, "--name", "second"]

    result = subprocess.run(
        command,
        env=os.environ | {"SCOREDOCK_WORKSPACE": str(full.folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.splitlines() == [
        f"error: {full.folder}: No space left on device",
        " hint: free some space and try again; nothing was changed",
    ]
