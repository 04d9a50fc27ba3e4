"""Environments that are really made, from a conda channel and a Python index of our own."""

import gzip
import json
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path

import pytest

from channel.make import make_channel
from package_server import PackageServer
from support import ROOT, base_image

DIGITS = ROOT / "examples" / "digits"
MINOR = "{}.{}".format(*sys.version_info)
# What the server and the tools of the build need from an index, beside what a test installs.
NEEDED = [
    "flask",
    "gunicorn",
    "orjson",
    "prometheus-client",
    "flit_core",
    "setuptools<81",
    "uv",
    "pyyaml",
]

pytestmark = pytest.mark.docker


def download(folder: Path, *requirements: str) -> list[Path]:
    """Fetch wheels for the Python that runs this, from the machine's own index."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:",
         "--dest", folder, *requirements],
        check=True,
    )  # fmt: skip
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a conda channel of Python, numpy and greeting."""
    folder = tmp_path_factory.mktemp("channel")
    wheels = download(tmp_path_factory.mktemp("wheels"), "numpy==2.2.6", "pip")
    make_channel(folder, wheels, version=f"1.{time.time_ns()}")
    return folder


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: an index that has all that the builds below need."""
    folder = tmp_path_factory.mktemp("index")
    download(folder, *NEEDED, "joblib==1.5.2", "threadpoolctl==3.6.0")
    return folder


@pytest.fixture
def gateway(engine) -> str:
    """The address of this machine, as a step of a build sees it."""
    [config] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    return config["Gateway"]


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"BUILD_IMAGE": base_image("3.11")}


@pytest.fixture
def spec(tmp_path: Path):
    """Write a spec folder with this conda part."""

    def write(*dependencies: object, channels: list[str]) -> Path:
        folder = tmp_path / "environment"
        folder.mkdir(exist_ok=True)
        # BuildKit must not have seen it, in this run or in one before.
        written = {"name": f"test-{uuid.uuid4()}"}
        (folder / "azureml_environment.json").write_text(json.dumps(written))
        conda = {"channels": channels, "dependencies": list(dependencies)}
        (folder / "conda_dependencies.yml").write_text(json.dumps(conda))
        return folder

    return write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An entry script that tells what it runs in."""
    folder = tmp_path / "telling"
    (folder / "models").mkdir(parents=True)
    (folder / "score.py").write_text(
        "import os, pathlib, sys\n"
        "def init(): pass\n"
        "def run(raw_data):\n"
        "    import joblib, numpy\n"
        "    greeting = pathlib.Path(os.environ.get('GREETING_DIR', '/none'), 'text')\n"
        "    return [sys.prefix, sys.base_prefix, numpy.__version__, joblib.__version__,\n"
        "            greeting.read_text() if greeting.exists() else '']\n"
    )
    return folder


def listing(image: str, *patterns: str) -> list[str]:
    """Return the files of an image whose paths are like one of the patterns."""
    names = [word for pattern in patterns for word in ("-o", "-path", pattern)][1:]
    found = subprocess.run(
        ["docker", "run", "--rm", "--user=0", "--entrypoint=find", image, "/opt", "/root", "/build",
         "/var/cache/scoredock", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.splitlines()


def layers(image: str) -> dict[str, int]:
    """Return the compressed size of each layer in bytes, by the digest of what it holds."""
    saved = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
    files = {}
    with saved, tarfile.open(fileobj=saved.stdout, mode="r|") as archive:
        for member in archive:
            if member.isfile():
                files[member.name] = archive.extractfile(member).read()
    [manifest] = json.loads(files["manifest.json"])
    digests = json.loads(files[manifest["Config"]])["rootfs"]["diff_ids"]
    compressed = [
        data if data.startswith(b"\x1f\x8b") else gzip.compress(data, 6)
        for data in (files[name] for name in manifest["Layers"])
    ]
    return dict(zip(digests, map(len, compressed), strict=True))


def test_conda_packages_from_a_folder_with_a_pip_part_make_a_service(
    scoredock, source, spec, channel, environment
):
    folder = spec(
        f"python={MINOR}", "numpy>=2,<3", "greeting", "pip", {"pip": ["joblib==1.5.2"]},
        channels=[f"file://{channel}"],
    )  # fmt: skip

    started = scoredock("up", "--spec", folder, "--source", source)

    assert started.returncode == 0, started.stderr
    assert "note: installer conda: the conda part asks for numpy>=2,<3 and 1 more" in started.stderr
    told = json.loads(scoredock("score", "-", stdin="1").stdout)
    assert told == ["/opt/env", "/opt/env", "2.2.6", "1.5.2", "hello from conda"]
    image = environment["IMAGE"]
    assert listing(image, "*/conda-meta", "*/site-packages/pip", "*.a", "*/bin/uv", "*.conda") == []
    assert listing(image, "*/numpy/tests", "*/numpy/linalg/tests") == []
    # The search finds what is there: what has been compiled, without the time of its source.
    [compiled] = listing(image, "*/joblib/__pycache__/memory.*.pyc")
    flags = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint=head", image, "-c", "8", compiled],
        capture_output=True, check=True,
    ).stdout[4:]  # fmt: skip
    assert flags == b"\x01\x00\x00\x00"


def test_nothing_is_downloaded_twice_across_conda_specs(scoredock, source, spec, channel, gateway):
    with PackageServer(channel, host=gateway) as server:

        def downloaded(*packages):
            folder = spec(f"python={MINOR}", *packages, channels=[f"http://{server.address}"])
            server.paths.clear()
            built = scoredock("build", "--spec", folder, "--source", source)
            assert built.returncode == 0, built.stderr
            return server.given(".conda")

        downloaded("greeting")

        assert downloaded("greeting", "parting") == ["parting"]
        assert downloaded("parting") == []


def test_a_new_pip_package_downloads_that_package_alone_and_tells_no_credential(
    scoredock, source, spec, wheels, gateway, tmp_path, engine, environment
):
    credentials = f"user:s3cr3t-{uuid.uuid4().hex}"
    with PackageServer(wheels, host=gateway, credentials=credentials) as server:
        config = tmp_path / "pip.conf"
        config.write_text(
            f"[global]\nindex-url = http://{credentials}@{server.address}/simple/\n"
            f"trusted-host = {gateway}\n"
        )
        first = spec(f"python={MINOR}", {"pip": ["joblib==1.5.2"]}, channels=[])
        built = scoredock("build", "--spec", first, "--source", source, "--pip-config", config)
        assert built.returncode == 0, built.stderr
        assert {"flask", "gunicorn", "joblib"} <= set(server.given(".whl"))
        server.paths.clear()

        packages = ["joblib==1.5.2", "threadpoolctl==3.6.0"]
        second = spec(f"python={MINOR}", {"pip": packages}, channels=[])
        options = ["--spec", second, "--source", source, "--pip-config", config]
        built = scoredock("build", "--verbose", *options)

        assert built.returncode == 0, built.stderr
        assert server.given(".whl") == ["threadpoolctl"]
        assert credentials.split(":")[1] not in built.stdout + built.stderr
        image = engine.images.get(environment["IMAGE"])
        assert credentials.split(":")[1] not in json.dumps([image.attrs, image.history()])
        assert server.address not in json.dumps([image.attrs, image.history()])


def test_a_channel_that_does_not_answer_is_named_in_one_line(scoredock, source, spec):
    folder = spec("python=3.11", "numpy", channels=["http://127.0.0.1:9/main"])

    failed = scoredock("build", "--spec", folder, "--source", source)

    assert failed.returncode == 4
    [line] = [line for line in failed.stderr.splitlines() if "does not answer" in line]
    assert "the conda channel http://127.0.0.1:9/main/ does not answer: " in line
    assert "Connection refused" in line
    assert "Traceback" not in failed.stderr


def test_a_conda_package_that_no_channel_has_is_named_in_one_line(scoredock, source, spec, channel):
    folder = spec(f"python={MINOR}", "no-such-package>=2", channels=[f"file://{channel}"])

    failed = scoredock("build", "--spec", folder, "--source", source)

    assert failed.returncode == 4
    assert "No candidates were found for no-such-package >=2" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_pip_takes_the_conda_packages_when_it_is_insisted_on(scoredock, source, spec):
    # No such channel is asked for anything.
    folder = spec("python=3.11", "numpy=2.2", "joblib==1.5.2", channels=["http://127.0.0.1:9/main"])

    started = scoredock("up", "--spec", folder, "--source", source, INSTALLER="pip")

    assert started.returncode == 0, started.stderr
    told = json.loads(scoredock("score", "-", stdin="1").stdout)
    assert told == ["/opt/env", "/usr/local", "2.2.6", "1.5.2", ""]


def test_what_a_service_does_not_need_is_kept_on_request(scoredock, source, spec, environment):
    folder = spec("python=3.11", {"pip": ["joblib==1.5.2"]}, channels=[])

    built = scoredock("build", "--spec", folder, "--source", source, "--keep", "tests")

    assert built.returncode == 0, built.stderr
    assert listing(environment["IMAGE"], "*/joblib/test") != []


def test_conda_packages_make_a_service_without_docker_too(scoredock, source, spec, channel):
    folder = spec(
        f"python={MINOR}", "numpy", "greeting", {"pip": ["joblib==1.5.2"]},
        channels=[f"file://{channel}"],
    )  # fmt: skip

    started = scoredock("up", "--runtime", "process", "--spec", folder, "--source", source)

    assert started.returncode == 0, started.stderr
    prefix, base, *told = json.loads(scoredock("score", "-", stdin="1").stdout)
    assert told == ["2.2.6", "1.5.2", "hello from conda"]
    assert prefix == base != sys.base_prefix


def test_the_example_is_at_most_80_megabytes_above_its_base_image(scoredock, environment):
    built = scoredock("build")

    assert built.returncode == 0, built.stderr
    below = layers(environment["BASE_IMAGE"])
    above = {digest: size for digest, size in layers(environment["IMAGE"]).items()
             if digest not in below}  # fmt: skip
    assert 20e6 < sum(above.values()) <= 80e6


def test_an_edit_of_the_entry_script_changes_one_layer_of_kilobytes(
    scoredock, source, plain_spec, environment
):
    options = ["--spec", plain_spec, "--source", source]
    assert scoredock("build", *options).returncode == 0
    before = layers(environment["IMAGE"])
    (source / "score.py").write_text((source / "score.py").read_text() + f"# {uuid.uuid4()}\n")

    built = scoredock("build", *options)

    [new] = [size for digest, size in layers(environment["IMAGE"]).items() if digest not in before]
    assert new < 10_000
    assert "because COPY code/ / changed" in built.stderr.splitlines()[-1]
