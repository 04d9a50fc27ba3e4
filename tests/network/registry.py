"""A registry of images: TLS, an authority of its own, a login."""

import json
import os
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest

from .servers import Authority

CERTIFICATES = Path("/etc/docker/certs.d")


@contextmanager
def serve_images(
    folder: Path, host: str, login: str, *, trusted: bool = True
) -> Iterator[tuple[str, Path]]:
    """Run a registry; yields its address and the configuration of a docker that is logged in.

    `trusted` tells whether the engine of this machine has its authority.
    """
    if not (shutil.which("docker-registry") and os.access("/etc/docker", os.W_OK)):
        if os.environ.get("CI") == "true":
            pytest.fail("no docker-registry, or /etc/docker cannot be written")
        pytest.skip("needs docker-registry and the right to write /etc/docker")
    authority = Authority(folder)
    authority.context(host)
    with socket.socket() as probe:
        probe.bind((host, 0))
        address = "{}:{}".format(*probe.getsockname())
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": f"{folder}/images"}},
        "http": {
            "addr": address,
            "tls": {"certificate": f"{folder}/{host}.pem", "key": f"{folder}/{host}.key"},
            "secret": "of one registry alone",
        },
        "auth": {"htpasswd": {"realm": "registry", "path": f"{folder}/htpasswd"}},
        "log": {"level": "warn"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    # bcrypt is all that the registry takes.
    user, _, password = login.partition(":")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{user}:{hashed}\n")
    own = CERTIFICATES / address
    with (folder / "log").open("w") as log:
        command = ["docker-registry", "serve", folder / "config.json"]
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            if trusted:
                own.mkdir(parents=True)
                shutil.copy(authority.certificate, own / "ca.crt")
            _wait_for(address)
            yield address, docker_config(folder / "docker", {address: login})
        finally:
            server.terminate()
            server.wait()
            shutil.rmtree(own, ignore_errors=True)


def docker_config(folder: Path, logins: dict[str, str]) -> Path:
    """Write the configuration of a docker command that is logged in there, or nowhere."""
    folder.mkdir(exist_ok=True)
    auths = {
        address: {"auth": b64encode(login.encode()).decode()} for address, login in logins.items()
    }
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return folder


def push(engine, image: str, tag: str, config: Path) -> None:
    """Push an image of the engine; afterwards the engine has it under its own name alone."""
    engine.images.get(image).tag(tag)
    docker = {**os.environ, "DOCKER_CONFIG": str(config)}
    subprocess.run(["docker", "push", "--quiet", tag], env=docker, check=True)
    engine.images.remove(tag)


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the registry at {address} does not answer")
