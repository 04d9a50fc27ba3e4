"""A company's network on this machine, and builds that have no other way out.

What the build's steps ask for is on the loopback interface, under names that the proxy alone knows;
the registry is on the bridge's address, as the engine itself asks it.
"""

import hashlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from channel.make import make_channel
from package_server import PackageServer
from support import base_image

from .registry import push, serve_images
from .servers import Authority, Proxy, speak_tls

PASSWORD = f"s3cr3t-{uuid.uuid4().hex}"
LOGIN = f"user:{PASSWORD}"
# What the spec, the template and the image speak of, and nobody has.
IMAGE = "registry.invalid/python:3.11-slim"
REPOSITORY = "http://deb.invalid/debian"
NEEDED = [
    "flask",
    "gunicorn",
    "orjson",
    "prometheus-client",
    "flit_core",
    "setuptools<81",
    "uv",
    "pyyaml",
    "py-rattler",
    "pip",
]


@dataclass
class Company:
    """What there is in the network, and the settings that reach all of it."""

    packages: PackageServer
    conda: PackageServer
    proxy: Proxy
    registry: str
    settings: dict
    netrc: Path
    docker: Path

    @property
    def hidden(self) -> list[str]:
        """What no image, lock or file of the kit's state may hold."""
        return [PASSWORD, self.registry, self.proxy.address, "packages.invalid", "conda.invalid"]


@contextmanager
def serve_company(engine, folder: Path) -> Iterator[Company]:
    """Run all of it."""
    [bridge] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    gateway = bridge["Gateway"]
    wheels, channel, images = folder / "wheels", folder / "channel", folder / "registry"
    images.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:",
         "--dest", wheels, *NEEDED, "joblib==1.5.2"],
        check=True,
    )  # fmt: skip
    make_channel(channel, sorted(wheels.glob("pip-*.whl")), version=f"1.{time.time_ns()}")
    make_repository(wheels / "debian")
    authority = Authority(folder)
    packages = PackageServer(wheels, host="127.0.0.1", credentials=LOGIN, hashes=True)
    conda = PackageServer(channel, host="127.0.0.1", credentials=LOGIN)
    netrc = folder / "netrc"
    netrc.write_text(
        "".join(
            f"machine {name}.invalid login user password {PASSWORD}\n"
            for name in ("packages", "conda")
        )
    )
    names = {"packages.invalid:443": packages.address, "conda.invalid:80": conda.address}
    with (
        speak_tls(packages, authority.context("packages.invalid")),
        conda,
        Proxy(gateway, names) as proxy,
        serve_images(images, gateway, LOGIN) as (registry, docker),
    ):
        push(engine, base_image("3.11"), f"{registry}/hub/python:3.11-slim", docker)
        settings = {
            "registry_mirrors": {"registry.invalid": f"{registry}/hub"},
            "python_index": "https://packages.invalid/simple/",
            "conda_mirrors": {},  # a channel for each build
            "apt_mirrors": {REPOSITORY: "https://packages.invalid/debian/"},
            "http_proxy": f"http://{proxy.address}",
            "https_proxy": f"http://{proxy.address}",
            "ca": str(authority.certificate),
        }
        yield Company(packages, conda, proxy, registry, settings, netrc, docker)


def make_repository(folder: Path) -> None:
    """Make an apt repository of one package, which is a file."""
    files = folder / "files"
    (files / "DEBIAN").mkdir(parents=True)
    (files / "usr" / "share").mkdir(parents=True)
    (files / "usr" / "share" / "company-greeting").write_text("hello from apt")
    control = (
        "Package: company-greeting\nVersion: 1\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.com>\nDescription: a greeting\n"
    )
    (files / "DEBIAN" / "control").write_text(control)
    package = folder / "company-greeting.deb"
    subprocess.run(["dpkg-deb", "--build", files, package], check=True, capture_output=True)
    content = package.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    index = f"Filename: ./{package.name}\nSize: {len(content)}\nSHA256: {digest}\n"
    (folder / "Packages").write_text(control + index)
