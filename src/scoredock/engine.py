"""The Docker engine: is there one, and what does it hold."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import docker
import requests
from docker import DockerClient
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container

from scoredock.errors import EngineError, ScoredockError

SERVICE = "scoring"

RuntimeChoice: TypeAlias = Literal["auto", "docker", "process"]


def connect(*, timeout: int = 10) -> DockerClient:
    """Return a client of the engine that the docker CLI would use.

    `timeout` is in seconds, between two answers. Raises EngineError, with the remedy, where no
    engine answers or it refuses this user.
    """
    endpoint = os.environ.get("DOCKER_HOST", "")
    try:
        if endpoint:
            client = docker.from_env(timeout=timeout, use_ssh_client=endpoint.startswith("ssh:"))
        else:
            context = ContextAPI.get_current_context()
            endpoint = context.Host or ""
            client = DockerClient(
                base_url=endpoint or None,
                tls=context.TLSConfig,
                timeout=timeout,
                use_ssh_client=endpoint.startswith("ssh:"),
            )
        client.ping()
    except (DockerException, requests.RequestException, OSError) as error:
        raise _unreachable(endpoint, error) from error
    return client


def choose_runtime(
    wanted: RuntimeChoice, *, note: Callable[[str], None]
) -> Literal["docker", "process"]:
    """Return the runtime that is wanted; `auto` is docker where an engine answers, else process."""
    if wanted != "auto":
        return wanted
    try:
        connect()
    except EngineError as error:
        note(
            f"{error}: serving in the process runtime, without Docker "
            "(scoredock doctor tells what to do about it)"
        )
        return "process"
    return "docker"


def require_command() -> None:
    """Raise EngineError where the docker command, which builds and composes, is missing."""
    if shutil.which("docker") is None:
        raise EngineError(
            "no docker command on PATH", hint="install the Docker CLI with buildx and compose"
        )


def _unreachable(endpoint: str, error: Exception) -> EngineError:
    place = f"at {endpoint} " if endpoint else ""
    if "Permission denied" in str(error) or "PermissionError" in str(error):
        return EngineError(
            f"the Docker engine {place}refuses this user: permission denied",
            hint="add the user to the group docker (sudo usermod -aG docker $USER), log in anew",
        )
    return EngineError(
        f"no Docker engine answers {place}".rstrip(),
        hint="start Docker (sudo systemctl start docker, or Docker Desktop), "
        "or set --runtime process",
    )


def find_service(client: DockerClient) -> Container | None:
    """Return the container of the compose service, running or not."""
    # compose reads the same variable: with it several services live side by side on one engine.
    project = os.environ.get("COMPOSE_PROJECT_NAME") or "scoredock"
    labels = [
        f"com.docker.compose.project={project}",
        f"com.docker.compose.service={SERVICE}",
    ]
    found = client.containers.list(all=True, filters={"label": labels})
    return found[0] if found else None


def holds_port(client: DockerClient, port: int, ours: Container | None) -> bool:
    """Tell whether our own container is published on the host's `port`.

    Raises ScoredockError, naming the container, where another one is.
    """
    for container in client.containers.list(filters={"publish": str(port)}):
        if ours is None or container.id != ours.id:
            raise ScoredockError(
                f"port {port} is in use by container {container.name}",
                hint=f"stop that, or choose another port: PORT={port + 1} or --port {port + 1}",
            )
        return True
    return False


def exit_code(client: DockerClient, container: Container) -> int:
    """Return the status with which the container last ended, though it may run again by now."""
    events = client.events(
        since=0,
        until=int(time.time()) + 1,
        filters={"container": container.id, "event": "die"},
        decode=True,
    )
    codes = [int(event["Actor"]["Attributes"]["exitCode"]) for event in events]
    return codes[-1] if codes else int(container.attrs["State"]["ExitCode"])


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what the engine answers into one line."""
    try:
        yield
    except APIError as error:
        raise EngineError(f"{doing}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException) as error:
        raise EngineError(f"{doing}: {error}") from error


def image_id(client: DockerClient, name: str) -> str:
    """Return the digest by which the engine knows an image; empty where it does not have it."""
    with engine_errors("looking for the image"):
        try:
            return str(client.images.get(name).id)
        except ImageNotFound:
            return ""


def engine_platform(client: DockerClient) -> str:
    """Return what the engine builds for, as `linux/amd64`."""
    with engine_errors("asking for the platform"):
        version = client.version()
    return f"{version['Os']}/{version['Arch']}"
