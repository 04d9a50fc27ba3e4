"""One build that needs every setting, and what it says where one of them is missing."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from package_server import PackageServer
from support import ROOT, base_image

from .company import IMAGE, PASSWORD, REPOSITORY, Company, serve_company
from .registry import docker_config, serve_images

MINOR = "{}.{}".format(*sys.version_info)

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def company(engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with serve_company(engine, tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest.fixture
def environment(environment: dict[str, str], company: Company, tmp_path: Path) -> dict[str, str]:
    # Nothing of what this machine itself needs to reach packages; who is refused asks once more.
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nretries = 1\n")
    own = {"NETRC": str(company.netrc), "DOCKER_CONFIG": str(company.docker)}
    files = {"CA_FILE": "/dev/null", "PIP_CONFIG": str(config)}
    return environment | own | files | {"BASE_IMAGE": IMAGE, "BUILD_IMAGE": IMAGE}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """An environment that needs conda, pip and apt, and that BuildKit has never seen."""
    folder = tmp_path / "environment"
    folder.mkdir()
    (folder / "azureml_environment.json").write_text(json.dumps({"name": f"test-{uuid.uuid4()}"}))
    # py-rattler asks a channel of the same name only after some minutes again.
    conda = {
        "channels": [f"company-{uuid.uuid4().hex}"],
        "dependencies": [f"python={MINOR}", "greeting", {"pip": ["joblib==1.5.2"]}],
    }
    (folder / "conda_dependencies.yml").write_text(json.dumps(conda))
    templates = folder / "templates"
    templates.mkdir()
    (templates / "Dockerfile.j2").write_text(
        '{% extends "shipped/Dockerfile.j2" %}\n'
        "{% block system %}\n"
        f"RUN rm -rf /etc/apt/sources.list.d && : {uuid.uuid4()} \\\n"
        f"    && echo 'deb [trusted=yes] {REPOSITORY} ./' >/etc/apt/sources.list \\\n"
        "    && apt-get update && apt-get install --yes company-greeting\n"
        "{% endblock %}\n"
    )
    return folder


@pytest.fixture
def kit(scoredock, source, spec, company):
    """Run a command for that environment with the company's settings, but for those left out."""
    [channel] = json.loads((spec / "conda_dependencies.yml").read_text())["channels"]
    settings = company.settings | {"conda_mirrors": {channel: "http://conda.invalid/"}}

    def run(command: str, *options: str, without: str = "", **variables: str):
        written = {name: value for name, value in settings.items() if name != without}
        (spec / "scoredock.network.yaml").write_text(yaml.safe_dump(written))
        places = ["--spec", spec, "--source", source, "--templates", spec / "templates"]
        return scoredock(command, *places, *options, **variables)

    return run


def everything(image: str) -> bytes:
    """Return the image as docker saves it, its layers unpacked: config, history and files."""
    script = 'docker save "$1" | python3 -c "$2"'
    unpack = (
        "import gzip, sys, tarfile\n"
        "for m in (t := tarfile.open(fileobj=sys.stdin.buffer, mode='r|')):\n"
        "    d = t.extractfile(m).read() if m.isfile() else b''\n"
        "    sys.stdout.buffer.write(gzip.decompress(d) if d[:2] == bytes([31, 139]) else d)\n"
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script, "bash", image, unpack],
        capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


def found(texts: list[str], content: bytes) -> list[str]:
    return [text for text in texts if text.encode() in content]


def test_a_build_that_needs_all_of_it_succeeds_and_leaves_no_trace(
    kit, company, environment, engine, spec, tmp_path
):
    built = kit("build", "--verbose")

    assert built.returncode == 0, built.stderr
    assert "joblib" in company.packages.given(".whl")
    assert company.packages.given(".deb") == ["company-greeting.deb"]
    assert "greeting" in company.conda.given(".conda")
    assert PASSWORD not in built.stdout + built.stderr
    image = engine.images.get(environment["IMAGE"])
    content = everything(environment["IMAGE"])
    # The search finds what is there, apt's own lists among it, by the public names.
    public = [IMAGE, REPOSITORY, "deb.invalid_debian", "hello from apt"]
    assert found(public, content) == public
    assert found(company.hidden, content) == []
    assert found(company.hidden, json.dumps([image.attrs, image.history()]).encode()) == []

    locked = kit("lock")

    assert locked.returncode == 0, locked.stderr
    lock = (spec / "scoredock.lock").read_bytes()
    public = [IMAGE, "found_in: registry", "joblib==1.5.2", "greeting"]
    assert found(public, lock) == public
    assert found([*company.hidden, "://"], lock) == []

    again = kit("build", "--locked")

    assert again.returncode == 0, again.stderr
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any(found(["joblib==1.5.2"], path.read_bytes()) for path in kept)
    assert [path for path in kept if found(company.hidden, path.read_bytes())] == []


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("registry_mirrors", "set registry_mirrors in the network settings"),
        ("python_index", "hint: the proxy refuses: set python_index"),
        ("conda_mirrors", "set conda_mirrors in the network settings"),
        ("apt_mirrors", "hint: the proxy refuses: set apt_mirrors"),
        ("http_proxy", "hint: conda_mirrors is set, and not reached: mend it, or set http_proxy"),
        ("https_proxy", "is set, and not reached: mend it, or set https_proxy"),
        ("ca", "hint: trust the authority of the server, or of the proxy: ca"),
    ],
)
def test_without_a_setting_the_build_fails_and_names_it(kit, setting, expected):
    failed = kit("build", without=setting)

    assert failed.returncode == 4
    assert expected in failed.stderr
    assert PASSWORD not in failed.stderr


def test_without_the_login_of_the_indexes_netrc_is_named(kit):
    failed = kit("build", NETRC="/dev/null")

    assert failed.returncode == 4
    assert "put the login of the host that said 401 into ~/.netrc" in failed.stderr


def test_without_the_login_of_the_registry_docker_login_is_named(kit, tmp_path):
    failed = kit("build", DOCKER_CONFIG=str(docker_config(tmp_path / "docker", {})))

    assert failed.returncode == 4
    assert "hint: docker login" in failed.stderr


def test_without_the_authority_of_the_registry_its_place_is_named(kit, company, tmp_path):
    folder = tmp_path / "registry"
    folder.mkdir()
    host = company.registry.partition(":")[0]
    with serve_images(folder, host, f"user:{PASSWORD}", trusted=False) as (address, config):
        mirror = f"registry.invalid={address}/hub"
        failed = kit("build", NETWORK_REGISTRY_MIRRORS=mirror, DOCKER_CONFIG=str(config))

    assert failed.returncode == 4
    assert "/etc/docker/certs.d" in failed.stderr


def test_plain_compose_asks_the_index_of_the_variables_that_the_kit_prints(
    scoredock, environment, company, tmp_path
):
    with PackageServer(tmp_path, host=company.proxy.address.split(":")[0]) as index:
        variables = {
            "BASE_IMAGE": base_image("3.11"),
            "NETWORK_PYTHON_INDEX": f"http://{index.address}/simple/",
        }
        printed = scoredock("network", **variables).stdout
        # It has no package at all: the build ends there. ASKED: no build has had this step before.
        build = 'eval "$1"; docker compose build --build-arg "ASKED=$2"'
        build = ["sh", "-c", build, "sh", printed, uuid.uuid4().hex]
        failed = subprocess.run(build, env=environment | variables, cwd=ROOT, check=False)

    assert failed.returncode != 0
    assert any(path.startswith("/simple/") for path in index.paths)
