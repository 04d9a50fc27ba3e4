"""A build that needs an index with a private authority and a login, a conda mirror and a proxy.

The servers are on the bridge's address: what a step of a build reaches of this machine.
"""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from channel.make import make_channel
from package_server import PackageServer
from support import base_image

from .servers import Authority, Proxy, speak_tls

MINOR = "{}.{}".format(*sys.version_info)
NEEDED = ["flask", "gunicorn", "flit_core", "setuptools<81", "uv", "pyyaml", "py-rattler", "pip"]
LOGIN = f"user:s3cr3t-{uuid.uuid4().hex}"
PASSWORD = LOGIN.split(":")[1]
# One that no cache has anything of.
CHANNEL = f"company-{uuid.uuid4().hex[:8]}"

pytestmark = pytest.mark.docker


@dataclass
class Company:
    """What there is in the network, and the settings that reach all of it."""

    index: PackageServer
    conda: PackageServer
    proxy: Proxy
    settings: dict
    netrc: Path


@pytest.fixture(scope="module")
def company(engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    [bridge] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    gateway = bridge["Gateway"]
    folder = tmp_path_factory.mktemp("company")
    wheels, channel = folder / "wheels", folder / "channel"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:",
         "--dest", wheels, *NEEDED, "joblib==1.5.2"],
        check=True,
    )  # fmt: skip
    make_channel(channel, sorted(wheels.glob("pip-*.whl")), version=f"1.{time.time_ns()}")
    authority = Authority(folder)
    index = PackageServer(wheels, host=gateway, credentials=LOGIN)
    conda = PackageServer(channel, host=gateway, credentials=LOGIN)
    netrc = folder / "netrc"
    netrc.write_text(f"machine {gateway} login user password {PASSWORD}\n")
    with (
        speak_tls(index, authority.context(gateway)),
        conda,
        Proxy(gateway, lambda target: target in (index.address, conda.address)) as proxy,
    ):
        settings = {
            "python_index": f"https://{index.address}/simple/",
            "conda_mirrors": {CHANNEL: f"http://{conda.address}/"},
            "https_proxy": f"http://{proxy.address}",
            "ca": str(authority.certificate),
        }
        yield Company(index, conda, proxy, settings, netrc)


@pytest.fixture
def environment(environment: dict[str, str], company: Company) -> dict[str, str]:
    # Nothing of what this machine itself needs to reach packages.
    own = {"BUILD_IMAGE": base_image("3.11"), "NETRC": str(company.netrc)}
    return environment | own | {"CA_FILE": "", "PIP_CONFIG": ""}


@pytest.fixture
def build(scoredock, source, tmp_path):
    """Build with these settings, an environment that was never built before."""

    def run(
        settings: dict,
        *dependencies: object,
        channel: str = CHANNEL,
        command: str = "build",
        **variables: str,
    ):
        spec = tmp_path / "environment"
        spec.mkdir(exist_ok=True)
        written = {"channels": [channel], "dependencies": [f"python={MINOR}", *dependencies]}
        # BuildKit must not have seen it.
        named = {"name": f"test-{uuid.uuid4()}"}
        (spec / "azureml_environment.json").write_text(json.dumps(named))
        (spec / "conda_dependencies.yml").write_text(json.dumps(written))
        file = tmp_path / "network.yaml"
        file.write_text(yaml.safe_dump(settings))
        options = ["--spec", spec, "--source", source, "--network", file, "--verbose"]
        return scoredock(command, *options, **variables)

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


def test_without_the_login_the_index_says_401(build, company):
    # The first test: nothing of the channel is in the cache.
    failed = build(company.settings, "greeting", {"pip": ["joblib==1.5.2"]}, NETRC="/dev/null")

    assert failed.returncode == 4
    assert "hint: python_index, conda_mirrors: put the login of the host" in failed.stderr


def test_a_build_that_needs_all_of_it_succeeds_and_leaves_no_trace(
    build, company, environment, engine, tmp_path
):
    company.proxy.asked.clear()

    built = build(company.settings, "greeting", {"pip": ["joblib==1.5.2"]})

    assert built.returncode == 0, built.stderr
    assert "joblib" in company.index.given(".whl")
    assert "greeting" in company.conda.given(".conda")
    assert company.index.address in company.proxy.asked
    image = engine.images.get(environment["IMAGE"])
    hidden = [PASSWORD, company.index.address, company.conda.address, company.proxy.address]
    told = json.dumps([image.attrs, image.history()])
    content = everything(environment["IMAGE"])
    # The search finds what is there.
    assert b"AZUREML_CONDA_ENVIRONMENT_PATH" in content
    for text in hidden:
        assert text not in told
        assert text.encode() not in content
    assert PASSWORD not in built.stdout + built.stderr
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert kept
    assert not any(text.encode() in path.read_bytes() for path in kept for text in hidden)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("python_index", "hint: the proxy refuses: set python_index"),
        ("ca", "hint: trust the authority"),
        ("conda_mirrors", "hint: set conda_mirrors"),
    ],
)
def test_without_a_setting_the_build_fails_and_says_where(build, company, setting, expected):
    settings = {name: value for name, value in company.settings.items() if name != setting}

    # py-rattler asks a channel of the same name only after some minutes again.
    channel = "never-asked" if setting == "conda_mirrors" else CHANNEL
    failed = build(settings, "greeting", {"pip": ["joblib==1.5.2"]}, channel=channel)

    assert failed.returncode == 4
    assert expected in failed.stderr
    assert PASSWORD not in failed.stderr


def test_a_lock_that_needs_all_of_it_has_no_address_and_no_login(build, company, tmp_path):
    locked = build(company.settings, "greeting", {"pip": ["joblib==1.5.2"]}, command="lock")

    assert locked.returncode == 0, locked.stderr
    text = (tmp_path / "environment" / "scoredock.lock").read_text()
    assert "joblib==1.5.2" in text
    assert {record["channel"] for record in yaml.safe_load(text)["conda"]} == {CHANNEL}
    assert "://" not in text
    for planted in (PASSWORD, company.index.address, company.conda.address, company.proxy.address):
        assert planted not in text


def test_a_proxy_that_refuses_is_named_by_what_it_says(build, company):
    with Proxy(company.proxy.address.split(":")[0], lambda target: False) as closed:
        settings = company.settings | {"https_proxy": f"http://{closed.address}"}

        failed = build(settings, "greeting", {"pip": ["joblib==1.5.2"]})

        assert failed.returncode == 4
        assert company.index.address in closed.asked
        assert "hint: the proxy refuses" in failed.stderr
