"""What this machine has and lacks: one line each, with the remedy."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import requests
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from packaging.version import InvalidVersion, Version

from scoredock import process, virtualenv
from scoredock.engine import connect, find_service, holds_port
from scoredock.errors import EngineError, ScoredockError
from scoredock.network import Network
from scoredock.network_check import Finding, check_network
from scoredock.paths import PROJECT
from scoredock.port import check_port

# HEALTHCHECK --start-interval came with engine 25.0, additional_contexts with compose 2.17.
_OLDEST_ENGINE = Version("25.0")
_OLDEST_COMPOSE = Version("2.20")
# A scikit-learn image is 0.5 GB; layers, cache and the old image exist side by side for a while.
_DISK_GB = 5


def examine(
    *,
    base_image: str,
    build_image: str,
    bind: str,
    port: int,
    python_version: str,
    network: Network,
    ca_file: Path | None,
) -> Iterator[Finding]:
    """Yield a finding at a time, as each is made.

    `build_image` is where conda packages are installed; empty where there are none. `network` and
    `ca_file` are how a build reaches what it needs.
    """
    client: DockerClient | None = None
    try:
        client = connect()
    except EngineError as error:
        yield Finding(name="engine", found=str(error), ok=False, remedy=error.hint)
    else:
        yield _engine(client)
    yield _plugin("compose", _OLDEST_COMPOSE)
    yield _plugin("buildx", Version("0.10"))
    yield _disk(client)
    yield _port(client, bind, port)
    if client is not None:
        yield _image(client, "base image", base_image, network)
        if build_image:
            yield _image(client, "build image", build_image, network)
    if build_image:
        yield Finding(name="process runtime", found="the conda part brings its Python", ok=True)
    else:
        yield _python(python_version)
    yield from check_network(network, ca_file)


def _engine(client: DockerClient) -> Finding:
    version = str(client.version()["Version"])
    ok = _version(version) >= _OLDEST_ENGINE
    remedy = "" if ok else f"install Docker Engine {_OLDEST_ENGINE} or newer"
    return Finding(name="engine", found=version, ok=ok, remedy=remedy)


def _version(text: str) -> Version:
    """Parse the release part: Debian's builds say 28.5.2+dfsg4, Docker's 28.5.2-rc.1."""
    try:
        return Version(text.strip().lstrip("v").split("+")[0].split("-")[0])
    except InvalidVersion:
        return Version("0")


def _plugin(name: str, oldest: Version) -> Finding:
    command = ["docker", name, "version"] + (["--short"] if name == "compose" else [])
    remedy = f"install the Docker CLI plugin {name} {oldest} or newer"
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return Finding(name=name, found="no docker command on PATH", ok=False, remedy=remedy)
    words = result.stdout.split()
    found = next((word for word in words if _version(word) > Version("0")), "")
    ok = result.returncode == 0 and _version(found) >= oldest
    return Finding(name=name, found=found or "not found", ok=ok, remedy="" if ok else remedy)


def _disk(client: DockerClient | None) -> Finding:
    folder = Path(client.info().get("DockerRootDir", "/") if client else PROJECT)
    # The engine of a desktop runs in a machine of its own, whose folders are not here.
    folder = folder if folder.is_dir() and os.access(folder, os.X_OK) else PROJECT
    free = shutil.disk_usage(folder).free / 1e9
    return Finding(
        name="disk",
        found=f"{free:.0f} GB free at {folder}",
        ok=free >= _DISK_GB,
        remedy="" if free >= _DISK_GB else "free some: docker system prune, docker builder prune",
    )


def _port(client: DockerClient | None, bind: str, port: int) -> Finding:
    started = process.running()
    if started and started.port == port:
        return Finding(name="port", found=f"{port}: this project's service", ok=True)
    try:
        if client is not None and holds_port(client, port, find_service(client)):
            return Finding(name="port", found=f"{port}: this project's service", ok=True)
        check_port(bind, port)
    except ScoredockError as error:
        return Finding(name="port", found=str(error), ok=False, remedy=error.hint)
    return Finding(name="port", found=f"{bind}:{port} is free", ok=True)


def _image(client: DockerClient, role: str, name: str, network: Network) -> Finding:
    variable = role.upper().replace(" ", "_")
    remedy = f"load it (docker load), log in to its registry, or set {variable} to one that is here"
    try:
        client.images.get(name)
    except ImageNotFound:
        pass
    else:
        return Finding(name=role, found=f"{name} is here", ok=True)
    try:
        client.images.get_registry_data(network.mirrored(name))
    except (DockerException, requests.RequestException):
        found = f"{name} is neither here nor in a registry that answers"
        return Finding(name=role, found=found, ok=False, remedy=remedy)
    return Finding(name=role, found=f"{name} will be pulled at the first build", ok=True)


def _python(version: str) -> Finding:
    name = "process runtime"
    if found := virtualenv.find_interpreter(version):
        return Finding(name=name, found=f"Python {version or 'of the host'}: {found}", ok=True)
    return Finding(
        name=name,
        found=f"no Python {version}: the kit's own would be used",
        ok=True,
        remedy=f"install python{version} to have what the spec asks for without Docker too",
    )
