import os
import subprocess

import pytest

from scoredock.workspace import init_workspace


@pytest.fixture
def model(tmp_path):
    """A folder of several files, so that there are many moments to be killed in."""
    folder = tmp_path / "model"
    for number in range(6):
        (folder / f"part-{number % 2}").mkdir(parents=True, exist_ok=True)
        (folder / f"part-{number % 2}" / f"{number}.bin").write_bytes(os.urandom(10_000))
    return folder


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB; where it may not be mounted, a skip, or a failure where CI=true."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no small disk can be mounted: {mounted.stderr}")
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def workspace(tmp_path):
    return init_workspace(tmp_path / "workspace")
