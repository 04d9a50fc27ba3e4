"""What `lock`, `--locked` and `verify` say before any engine is asked."""

import json
import platform
from dataclasses import replace

import pytest

from scoredock import locking
from scoredock.deployment import Deployment, plan
from scoredock.lock import Lock, LockedImage

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
HERE = f"linux/{MACHINES.get(platform.machine(), platform.machine())}"
IMAGE = LockedImage(name="python:3.11-slim", digest="sha256:" + "0f" * 32, found_in="engine")


def conda(*pip):
    return json.dumps({"dependencies": ["python=3.11", {"pip": list(pip)}]})


@pytest.fixture
def write_lock(digits):
    """Write a lock, without packages, for what is in a spec folder now."""

    def write(folder, **changes):
        wanted = Deployment(
            spec=folder, source=digits, entry_script="score.py", models=digits / "models"
        )
        planned = plan(wanted, warn=print, note=print)
        lock = Lock(
            made_from=locking.made_from(planned),
            platform=HERE,
            images={"BASE_IMAGE": IMAGE},
            conda=(),
            pip={},
            build={},
        )
        locking.write_lock(locking.lock_file(wanted), replace(lock, **changes))
        return locking.lock_file(wanted)

    return write


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("git+https://git.example.com/a.git", None),
        (
            "https://files.example.com/a-1.zip?sig=s3cr3t",
            "https://files.example.com/a-1.zip?sig=***",
        ),
        ("a @ https://files.example.com/a-1-py3-none-any.whl", None),
        ("https://files.example.com/a-1-py3-none-any.whl --hash=sha256:00", None),
    ],
)
def test_a_package_that_comes_from_no_index_is_refused_with_its_place(
    run, write_spec, digits, line, shown
):
    folder = write_spec({"name": "x"}, conda("flask", line))

    refused = run("lock", "--spec", folder, "--source", digits)

    assert refused.returncode == 2
    [error, hint] = refused.stderr.splitlines()[-2:]
    place = "conda_dependencies.yml: dependencies[1].pip[1]"
    why = "cannot be locked: it comes from no package index"
    assert error == f"error: {place}: {(shown or line)!r} {why}"
    assert "NAME==VERSION" in hint
    assert not (folder / "scoredock.lock").exists()


def test_a_package_that_the_server_takes_the_place_of_may_come_from_anywhere(
    run, write_spec, digits
):
    line = "azureml-core @ https://files.example.com/azureml_core-1-py3-none-any.whl"

    locked = run("lock", "--spec", write_spec({"name": "x"}, conda(line)), "--source", digits)

    assert "no Docker engine answers" in locked.stderr


def test_without_an_engine_a_fresh_lock_is_checked_and_a_moved_template_is_told(
    run, write_spec, digits, write_lock, tmp_path
):
    folder = write_spec({"name": "x"}, conda("flask"))
    write_lock(folder)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "Dockerfile.j2").write_text(
        '{% extends "shipped/Dockerfile.j2" %}\n{% block system %}\nRUN true\n{% endblock %}\n'
    )
    options = ["--spec", folder, "--source", digits]

    fresh = run("lock", "--check", *options)
    moved = run("lock", "--check", *options, "--templates", mine)
    told = [
        json.loads(run("lock", "--check", "--json", *options, *more).stdout)
        for more in ([], ["--templates", mine])
    ]

    assert (fresh.returncode, fresh.stdout) == (0, "")
    assert moved.returncode == 4
    assert [line.split(":")[0] for line in moved.stdout.splitlines()] == ["template"]
    lock = str(folder / "scoredock.lock")
    assert told[0] == {"lock": lock, "fresh": True, "moved": []}
    assert told[1] == {"lock": lock, "fresh": False, "moved": moved.stdout.splitlines()}


@pytest.mark.parametrize("command", ["lock", "build"])
def test_a_dockerfile_of_ones_own_is_locked_by_the_names_of_its_images(
    run, write_spec, digits, write_lock, command
):
    text = "FROM a:1 AS one\nFROM one\nCOPY --from=b:2 /x /y\n"
    folder = write_spec({"name": "x", "docker": {"baseDockerfile": text}}, conda("flask"))
    image = replace(IMAGE, found_in="registry")
    names = {name: replace(image, name=name) for name in ("a:1", "b:2")}
    write_lock(folder, images=names)
    option = {"lock": "--check", "build": "--locked"}[command]

    fresh = run(command, option, "--spec", folder, "--source", digits)
    write_lock(folder, images={"a:1": names["a:1"]})
    moved = run(command, option, "--spec", folder, "--source", digits)

    assert "stale" not in fresh.stderr
    assert moved.returncode == 4
    assert "stale: b:2 moved since it was made" in moved.stderr


@pytest.mark.parametrize(
    ("spec", "changes", "why"),
    [
        ({}, {"platform": "linux/riscv64"}, "it is for linux/riscv64, this machine is"),
        (
            {
                "docker": {"baseImage": "python:3.11-slim"},
                "python": {"userManagedDependencies": True},
            },
            {},
            "it names only what its base image lacks",
        ),
    ],
)
def test_a_lock_that_needs_its_image_or_another_machine_is_refused_without_docker(
    run, write_spec, digits, write_lock, spec, changes, why
):
    folder = write_spec({"name": "x", **spec}, None if spec else conda("flask"))
    lock = write_lock(folder, **changes)
    options = ["--spec", folder, "--source", digits]

    refused = run("up", "--locked", "--runtime", "process", *options)

    assert refused.returncode == 4
    assert f"error: {lock}: cannot be used in the process runtime: {why}" in refused.stderr


def test_without_docker_another_base_image_does_not_make_a_lock_stale_and_another_spec_does(
    run, write_spec, digits, write_lock, tmp_path
):
    folder = write_spec({"name": "x"}, conda("flask"))
    write_lock(folder, platform="linux/riscv64")
    options = ["--spec", folder, "--source", digits, "--runtime", "process"]

    usable = run("up", "--locked", *options, BASE_IMAGE="mine:1")
    (folder / "conda_dependencies.yml").write_text(conda("flask<3"))
    stale = run("up", "--locked", *options)

    assert "riscv64" in usable.stderr
    assert stale.returncode == 4
    assert "scoredock.lock: stale: spec moved since it was made" in stale.stderr
