"""A lock, what is built from it, and that it is the same wherever and whenever it is built."""

import io
import json
import os
import shutil
import sys
import uuid
import zipfile
from pathlib import Path

import pytest
import yaml

from channel.make import make_channel
from package_server import PackageServer
from support import base_image

MINOR = "{}.{}".format(*sys.version_info)

pytestmark = pytest.mark.docker


def make_wheel(folder: Path, name: str, version: str, *, requires: str = "") -> None:
    """Write a wheel of one module."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = {version!r}\n")
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tag)
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"BUILD_IMAGE": base_image("3.11")}


@pytest.fixture
def gateway(engine) -> str:
    """The address of this machine, as a step of a build sees it."""
    [config] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    return config["Gateway"]


@pytest.fixture
def spec(tmp_path: Path):
    """Write a spec folder with this conda part; BuildKit has not seen it before."""

    def write(*dependencies: object, channels: tuple[str, ...] = ()) -> Path:
        folder = tmp_path / "environment"
        folder.mkdir(exist_ok=True)
        written = {"name": f"test-{uuid.uuid4()}"}
        (folder / "azureml_environment.json").write_text(json.dumps(written))
        conda = {"channels": list(channels), "dependencies": list(dependencies)}
        (folder / "conda_dependencies.yml").write_text(json.dumps(conda))
        return folder

    return write


def copied(folder: Path, target: Path, *, when: int, mode: int) -> Path:
    """Copy a folder, with other times and modes."""
    shutil.copytree(folder, target)
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(mode)
        os.utime(path, (when, when))
    return target


def test_the_same_lock_and_source_are_the_same_image_wherever_and_whenever_they_are_built(
    scoredock, spec, source, tmp_path, environment
):
    folder = spec("python=3.11", {"pip": ["joblib==1.5.2"]})
    # Where the source lies is not in the image, its name is.
    locked = scoredock("lock", "--spec", folder, "--source", source)
    assert locked.returncode == 0, locked.stderr
    text = (folder / "scoredock.lock").read_text()
    assert "://" not in text
    again = scoredock("lock", "--spec", folder, "--source", source)
    assert again.returncode == 0, again.stderr
    assert (folder / "scoredock.lock").read_text() == text

    options = ["--reproducible", "--no-cache"]
    first = scoredock("build", *options, "--spec", folder, "--source", source)
    assert first.returncode == 0, first.stderr
    spec_copy = copied(folder, tmp_path / "there" / "spec", when=1_600_000_000, mode=0o600)
    source_copy = copied(source, tmp_path / "there" / "plain", when=1_650_000_000, mode=0o640)
    second = scoredock(
        "build", *options, "--spec", spec_copy, "--source", source_copy,
        SCOREDOCK_STATE=str(tmp_path / "there" / "state"),
    )  # fmt: skip

    assert second.returncode == 0, second.stderr
    assert first.stdout == second.stdout
    image, digest = first.stdout.split()
    assert image == environment["IMAGE"]
    verified = scoredock("verify", image, "--spec", folder, "--source", source)
    assert (verified.returncode, verified.stdout) == (0, f"{digest}\n"), verified.stderr

    with (source_copy / "score.py").open("a") as script:
        script.write("# another\n")
    differs = scoredock("verify", image, "--spec", folder, "--source", source_copy)

    assert differs.returncode == 1
    assert differs.stdout == "/var/azureml-app/plain/score.py: content\n"
    assert "is not what was built now: 1 differences" in differs.stderr


def test_what_cannot_be_built_again_is_told_before_it_is_tried(
    scoredock, spec, source, engine, environment
):
    options = ["--spec", spec("python=3.11", {"pip": []}), "--source", source]
    locked = scoredock("lock", *options)
    assert locked.returncode == 0, locked.stderr
    made_of = json.dumps({"kit": "0.0.1 0123456789ab"})
    dockerfile = f"FROM scratch\nLABEL scoredock.reproducible={json.dumps(made_of)}\n"
    other_kit, _ = engine.images.build(
        fileobj=io.BytesIO(dockerfile.encode()), tag=environment["IMAGE"]
    )

    absent = scoredock("verify", "scoredock-test-absent:1", *options)
    foreign = scoredock("verify", environment["BASE_IMAGE"], *options)
    other = scoredock("verify", other_kit.id, *options)

    assert (absent.returncode, foreign.returncode, other.returncode) == (4, 1, 1)
    assert "error: the engine has no image scoredock-test-absent:1\n" in absent.stderr
    assert "was built by something else: it has no label scoredock.reproducible" in foreign.stderr
    [kit] = [line for line in other.stdout.splitlines() if line.startswith("kit: ")]
    assert kit.endswith("the image is made from 0.0.1 0123456789ab")
    assert "is made from something else: SOURCE_DATE_EPOCH, kit, lock, " in other.stderr
    assert not any("building" in each.stderr for each in (absent, foreign, other))


@pytest.fixture
def old_python(spec) -> Path:
    """What pip installs, into a Python whose compiled files hold the times of their sources."""
    return spec("python=3.6", {"pip": ["joblib"]})


@pytest.fixture
def conda(spec, tmp_path) -> Path:
    make_channel(tmp_path / "channel", [])
    pip = {"pip": ["joblib==1.5.2"]}
    return spec(f"python={MINOR}", "greeting", pip, channels=(f"file://{tmp_path}/channel",))


@pytest.fixture
def user_managed(spec) -> Path:
    folder = spec()
    (folder / "conda_dependencies.yml").unlink()
    written = {
        "name": f"test-{uuid.uuid4()}",
        "docker": {"baseImage": base_image("3.8")},
        "python": {"userManagedDependencies": True},
    }
    (folder / "azureml_environment.json").write_text(json.dumps(written))
    return folder


@pytest.mark.parametrize(
    ("kind", "base"), [("old_python", "3.6"), ("conda", "3.11"), ("user_managed", "3.8")]
)
def test_every_installer_makes_an_image_that_can_be_verified_elsewhere(
    scoredock, request, kind, base, source, tmp_path
):
    folder = request.getfixturevalue(kind)
    base = {"BASE_IMAGE": base_image(base)}
    locked = scoredock("lock", "--spec", folder, "--source", source, **base)
    assert locked.returncode == 0, locked.stderr
    built = scoredock("build", "--reproducible", "--spec", folder, "--source", source, **base)
    assert built.returncode == 0, built.stderr
    image, digest = built.stdout.split()
    elsewhere = tmp_path / "elsewhere"
    options = ["--spec", copied(folder, elsewhere / "spec", when=1_600_000_000, mode=0o600)]
    options += ["--source", copied(source, elsewhere / "plain", when=1_650_000_000, mode=0o640)]

    verified = scoredock("verify", image, *options, **base)

    assert (verified.returncode, verified.stdout) == (0, f"{digest}\n"), verified.stderr


def test_a_build_from_the_lock_takes_its_versions_and_asks_no_solver(
    scoredock, spec, source, tmp_path, gateway, engine, environment
):
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "greeter", "1.0", requires="greeted")
    make_wheel(index, "greeted", "1.0")
    with PackageServer(index, host=gateway) as server:
        config = tmp_path / "pip.conf"
        places = f"extra-index-url = http://{server.address}/simple/\ntrusted-host = {gateway}\n"
        config.write_text(f"[global]\n{places}")
        options = ["--spec", spec("python=3.11", {"pip": ["greeter"]}), "--source", source]
        options += ["--pip-config", config]
        locked = scoredock("lock", *options)
        assert locked.returncode == 0, locked.stderr
        # What a solver would take now, and could not satisfy.
        make_wheel(index, "greeter", "2.0", requires="not-to-be-had-anywhere")
        make_wheel(index, "greeted", "2.0")
        server.paths.clear()

        built = scoredock("build", "--locked", *options)

        assert built.returncode == 0, built.stderr
        # A lock has no URLs, so each package's page is asked for its file, and nothing else.
        of_ours = {path for path in server.paths if "greet" in path}
        wheels = {f"/{name}-1.0-py3-none-any.whl" for name in ("greeter", "greeted")}
        assert wheels <= of_ours <= {"/simple/greeter/", "/simple/greeted/", *wheels}
        assert not any("not-to-be-had" in path for path in server.paths)
        lock = yaml.safe_load((options[1] / "scoredock.lock").read_text())
        assert {"greeter==1.0", "greeted==1.0"} <= lock["pip"].keys()
        assert server.address not in (options[1] / "scoredock.lock").read_text()
        code = "import greeter, greeted; print(greeter.version, greeted.version)"
        ran = engine.containers.run(environment["IMAGE"], ["python", "-c", code], remove=True)
        assert ran == b"1.0 1.0\n"

        file = options[1] / "scoredock.lock"
        [digest] = lock["pip"]["greeted==1.0"]
        file.write_text(file.read_text().replace(digest, "sha256:" + "0" * 64))
        refused = scoredock("build", "--locked", *options)

        assert refused.returncode == 4
        assert "Hash mismatch for `greeted==1.0`" in refused.stderr


def test_a_build_without_cache_downloads_anew_and_empties_no_other_builds_cache(
    scoredock, spec, source, tmp_path, gateway
):
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "greeter", "1.0")
    make_wheel(index, "parting", "1.0")
    with PackageServer(index, host=gateway) as server:
        config = tmp_path / "pip.conf"
        places = f"extra-index-url = http://{server.address}/simple/\ntrusted-host = {gateway}\n"
        config.write_text(f"[global]\n{places}")

        def downloaded(*command):
            server.paths.clear()
            done = scoredock(*command, "--spec", folder, "--source", source, "--pip-config", config)
            assert done.returncode == 0, done.stderr
            return server.given(".whl")

        folder = spec("python=3.11", {"pip": ["greeter"]})
        assert downloaded("build") == ["greeter"]
        downloaded("lock")
        assert downloaded("build", "--reproducible", "--no-cache") == ["greeter"]

        folder = spec("python=3.11", {"pip": ["greeter", "parting"]})
        assert downloaded("build") == ["parting"]


@pytest.mark.parametrize("option", [[], ["--pre"]], ids=["uv", "pip"])
def test_constraints_of_a_file_hold_what_is_installed_whoever_does_it(
    scoredock, spec, source, tmp_path, gateway, option
):
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "greeter", "1.0", requires="greeted")
    for version in ("1.0", "1.5", "2.0"):
        make_wheel(index, "greeted", version)
    with PackageServer(index, host=gateway) as server:
        config = tmp_path / "pip.conf"
        places = f"extra-index-url = http://{server.address}/simple/\ntrusted-host = {gateway}\n"
        config.write_text(f"[global]\n{places}")
        folder = spec("python=3.11", {"pip": ["greeter", "-c pins.txt", *option]})
        (folder / "pins.txt").write_text("greeted<2  # as tested\nnobody-asks-for-it==1.0\n")

        locked = scoredock("lock", "--spec", folder, "--source", source, "--pip-config", config)

    assert locked.returncode == 0, locked.stderr
    pins = yaml.safe_load((folder / "scoredock.lock").read_text())["pip"]
    assert [pin for pin in pins if pin.startswith(("greet", "nobody"))] == [
        "greeted==1.5", "greeter==1.0",
    ]  # fmt: skip


def test_locked_conda_packages_are_installed_without_their_channels_index(
    scoredock, spec, source, tmp_path, gateway, engine, environment
):
    channel = tmp_path / "channel"
    make_channel(channel, [])
    with PackageServer(channel, host=gateway) as server:
        folder = spec(f"python={MINOR}", "greeting", channels=(f"http://{server.address}",))
        options = ["--spec", folder, "--source", source]
        locked = scoredock("lock", *options)
        assert locked.returncode == 0, locked.stderr
        assert any("repodata" in path for path in server.paths)
        records = yaml.safe_load((folder / "scoredock.lock").read_text())["conda"]
        assert {"python", "greeting"} <= {record["name"] for record in records}
        server.paths.clear()

        built = scoredock("build", "--locked", *options)

        assert built.returncode == 0, built.stderr
        assert [path for path in server.paths if "repodata" in path] == []
        command = ["cat", "/opt/env/share/greeting/text"]
        ran = engine.containers.run(environment["IMAGE"], command, remove=True)
        assert ran == b"hello from conda"


def test_a_stale_lock_is_not_built_from_and_check_tells_what_has_moved(
    scoredock, spec, source, tmp_path
):
    folder = spec("python=3.11", {"pip": []})
    options = ["--spec", folder, "--source", source]
    none = scoredock("build", "--locked", *options)
    assert none.returncode == 4
    assert f"error: {folder}/scoredock.lock: no such file\n" in none.stderr
    locked = scoredock("lock", *options)
    assert locked.returncode == 0, locked.stderr
    assert scoredock("lock", "--check", *options).returncode == 0
    spec("python=3.11", {"pip": ["joblib"]})

    checked = scoredock("lock", "--check", *options, DOCKER_HOST="tcp://127.0.0.1:9")
    built = scoredock("build", "--locked", *options)

    assert checked.returncode == 4
    [line] = checked.stdout.splitlines()
    assert line.startswith("spec: ")
    assert built.returncode == 4
    assert f"{folder}/scoredock.lock: stale: spec moved since it was made" in built.stderr
    # Neither making a lock nor refusing one writes what `build` and `up` take.
    assert not (tmp_path / "state" / "context").exists()
