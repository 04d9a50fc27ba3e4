"""A base image that only the mirror of its registry has: TLS, an authority of its own, a login."""

import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import bcrypt
import pytest
import yaml

from support import base_image

from .servers import Authority

USER, PASSWORD = "user", f"s3cr3t-{uuid.uuid4().hex}"
IMAGE = "registry.invalid/python:3.11-slim"
CERTIFICATES = Path("/etc/docker/certs.d")

pytestmark = pytest.mark.docker


@contextmanager
def serve(engine, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Run a registry; yields its address and the certificate of its authority."""
    if not (shutil.which("docker-registry") and os.access("/etc/docker", os.W_OK)):
        if os.environ.get("CI") == "true":
            pytest.fail("no docker-registry, or /etc/docker cannot be written")
        pytest.skip("needs docker-registry and the right to write /etc/docker")
    [bridge] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    authority = Authority(folder)
    authority.context(bridge["Gateway"])
    with socket.socket() as probe:
        probe.bind((bridge["Gateway"], 0))
        address = "{}:{}".format(*probe.getsockname())
    certificate = folder / bridge["Gateway"]
    tls = {"certificate": f"{certificate}.pem", "key": f"{certificate}.key"}
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": f"{folder}/images"}},
        "http": {"addr": address, "tls": tls, "secret": "of one registry alone"},
        "auth": {"htpasswd": {"realm": "registry", "path": f"{folder}/htpasswd"}},
        "log": {"level": "warn"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    write_htpasswd(folder / "htpasswd")
    with (folder / "log").open("w") as log:
        command = ["docker-registry", "serve", folder / "config.json"]
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(address)
            yield address, authority.certificate.read_bytes()
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module")
def registry(engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a trusted registry that has the base image as hub/python:3.11-slim."""
    folder = tmp_path_factory.mktemp("registry")
    with serve(engine, folder) as (address, certificate):
        trusted = CERTIFICATES / address
        trusted.mkdir(parents=True)
        try:
            (trusted / "ca.crt").write_bytes(certificate)
            config = docker_config(folder / "docker", address)
            push(engine, address, "python:3.11-slim", base_image("3.11"), config)
            yield address
        finally:
            shutil.rmtree(trusted)


def push(engine, address: str, name: str, image: str, config: Path) -> None:
    """Let the registry have an image as hub/NAME."""
    tag = f"{address}/hub/{name}"
    engine.images.get(image).tag(tag)
    docker = {**os.environ, "DOCKER_CONFIG": str(config)}
    subprocess.run(["docker", "push", "--quiet", tag], env=docker, check=True)
    # What the engine has itself is not asked for.
    engine.images.remove(tag)


def write_htpasswd(path: Path) -> None:
    """bcrypt is all that the registry takes."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    path.write_text(f"{USER}:{hashed}\n")


def docker_config(folder: Path, address: str = "") -> Path:
    """Write the configuration of a docker command that is logged in there, or nowhere."""
    folder.mkdir(exist_ok=True)
    login = {"auth": b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (folder / "config.json").write_text(json.dumps({"auths": {address: login} if address else {}}))
    return folder


def wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the registry at {address} does not answer")


@pytest.fixture
def run(scoredock, source, plain_spec, tmp_path):
    """Run a command on the plain spec, with these settings of the network."""

    def run(command: str, settings: dict, config: Path, *options: str):
        file = tmp_path / "network.yaml"
        file.write_text(json.dumps(settings))
        options = (*options, "--spec", plain_spec, "--source", source, "--network", file)
        return scoredock(command, *options, BASE_IMAGE=IMAGE, DOCKER_CONFIG=str(config))

    return run


@pytest.fixture
def build(run):
    return partial(run, "build")


def test_the_base_image_comes_from_the_mirror_and_keeps_its_name(
    build, registry, tmp_path, engine, environment
):
    settings = {"registry_mirrors": {"registry.invalid": f"{registry}/hub"}}

    built = build(settings, docker_config(tmp_path / "docker", registry))

    assert built.returncode == 0, built.stderr
    image = engine.images.get(environment["IMAGE"])
    assert image.labels["org.opencontainers.image.base.name"] == IMAGE
    saved = b"".join(image.save())
    assert IMAGE.encode() in saved
    for hidden in (PASSWORD, registry):
        assert hidden.encode() not in saved
        assert hidden not in json.dumps([image.attrs, image.history()])


def test_every_image_of_a_dockerfile_is_locked_and_built_from_whatever_the_mirror_has_by_then(
    run, registry, tmp_path, plain_spec, engine
):
    config = docker_config(tmp_path / "docker", registry)
    push(engine, registry, "moving:1", base_image("3.11"), config)
    image = "registry.invalid/moving:1"
    (plain_spec / "BaseDockerfile").write_text(
        "ARG NAME=moving\nFROM registry.invalid/${NAME}:1 AS one\nFROM one\n"
        f"COPY --from={image} /usr/local/bin/python3 /opt/copied/\n"
        f"RUN --mount=from={image},target=/mounted ls /mounted/usr/local/bin/python3\n"
    )
    written = {"name": f"test-{uuid.uuid4()}"}
    (plain_spec / "azureml_environment.json").write_text(json.dumps(written))
    settings = {"registry_mirrors": {"registry.invalid": f"{registry}/hub"}}

    locked = run("lock", settings, config)

    assert locked.returncode == 0, locked.stderr
    assert "what RUN and ADD of the spec's own Dockerfile fetch is not locked" in locked.stderr
    text = (plain_spec / "scoredock.lock").read_text()
    images = yaml.safe_load(text)["images"]
    assert {name: found["found_in"] for name, found in images.items()} == {image: "registry"}
    assert registry not in text
    assert PASSWORD not in text + locked.stderr

    # Another Python than the spec asks for: it could not be built from.
    push(engine, registry, "moving:1", base_image("3.8"), config)
    built = run("build", settings, config, "--locked")

    assert built.returncode == 0, built.stderr


def test_without_the_mirror_the_registry_is_named(build, registry, tmp_path):
    failed = build({}, docker_config(tmp_path / "docker", registry))

    assert failed.returncode == 4
    assert f"load metadata for {IMAGE}" in failed.stderr


def test_without_the_login_docker_login_is_named(build, registry, tmp_path):
    settings = {"registry_mirrors": {"registry.invalid": f"{registry}/hub"}}

    failed = build(settings, docker_config(tmp_path / "docker"))

    assert failed.returncode == 4
    assert "docker login" in failed.stderr


def test_without_the_authority_its_place_is_named(build, engine, tmp_path):
    folder = tmp_path / "registry"
    folder.mkdir()
    with serve(engine, folder) as (address, _):
        settings = {"registry_mirrors": {"registry.invalid": f"{address}/hub"}}

        failed = build(settings, docker_config(tmp_path / "docker", address))

    assert failed.returncode == 4
    assert "/etc/docker/certs.d" in failed.stderr
