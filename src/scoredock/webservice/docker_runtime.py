"""Services in Docker: a compose project for each, which `docker compose -p NAME` works on."""

import re
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from scoredock.compose import run_compose, wait_until_healthy
from scoredock.deployment import seconds
from scoredock.engine import connect, engine_errors, holds_port, require_command
from scoredock.errors import EngineError, ScoredockError
from scoredock.paths import COMPOSE_FILE
from scoredock.port import check_port
from scoredock.webservice.container_log import said
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.record import Revision, ServiceRecord
from scoredock.webservice.reloading import NotAskedError, check_reloaded, reload_command
from scoredock.webservice.stack import HOLDER, reload_socket, service_of, stack

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
# What the server says when its first worker has loaded the script.
_READY = re.compile(rb"Worker with pid \d+ ready for serving traffic")


class DockerRuntime:
    """Starts and stops what a service consists of; asks the engine, and remembers nothing."""

    def __init__(self, folder: ServiceFolder, workspace: Path) -> None:
        require_command()
        self._folder = folder
        self._workspace = str(workspace)
        self._client: DockerClient = connect(timeout=60)

    def holds_port(self, record: ServiceRecord) -> bool:
        """Tell whether the port's holder runs."""
        return _holds(_of(HOLDER, self._own_containers(record.name)), record)

    def hold_port(self, record: ServiceRecord) -> None:
        """Start the port's holder, unless it runs; a port that is taken is a ScoredockError.

        What serves with another holder ends then.
        """
        holder = _of(HOLDER, self._own_containers(record.name))
        if _holds(holder, record):
            return
        if not holds_port(self._client, record.port, holder):
            check_port(record.bind, record.port)
        # Also where the port is another one now: then compose makes the holder anew, and what
        # serves is started again with it.
        self._write_stack(record, [record.serving] if record.current else [])
        self._compose(record.name, "up", "--detach", "--no-build", HOLDER)

    def start(self, record: ServiceRecord, revision: Revision) -> None:
        """Start a revision beside what serves already; return once it takes requests.

        Raises EngineError, with its log, where it does not come to that; then it is removed.
        """
        beside = [record.serving] if record.current else []
        self._write_stack(record, [*beside, revision])
        name = service_of(revision.server_number)
        try:
            self._compose(
                record.name, "up", "--detach", "--no-build", "--no-recreate", HOLDER, name
            )
            self._wait(self._container(record.name, name), revision)
        except BaseException:
            self.stop(record, revision.server_number, grace=1)
            raise

    def finish(self, record: ServiceRecord) -> None:
        """Stop every server but the one that serves; each ends what it has begun."""
        self._write_stack(record, [record.serving] if record.current else [])
        for number in self.running(record.name) - {record.server}:
            self.stop(record, number)

    def stop(self, record: ServiceRecord, number: int, *, grace: int = 30) -> None:
        """Stop and remove a server's container, where there is one."""
        container = self._container(record.name, service_of(number))
        if container is None:
            return
        with engine_errors(f"stopping {container.name}"):
            try:
                container.stop(timeout=grace)
                container.remove(force=True)
            except NotFound:
                pass  # somebody else has been faster

    def running(self, name: str) -> set[int]:
        """Return the numbers of the servers that have a container, whatever its state."""
        labels = (container.labels for container in self._containers(name))
        return {int(label["scoredock.server"]) for label in labels if "scoredock.server" in label}

    def serves(self, record: ServiceRecord) -> bool:
        """Tell whether port and current revision are there and healthy."""
        found = self._containers(record.name)
        holder, container = _of(HOLDER, found), _of(service_of(record.server), found)
        if holder is None or container is None or holder.status != "running":
            return False
        # The engine asks from time to time only; before it has, the container's own word counts.
        health = _health(container)
        return health == "healthy" or (health == "starting" and _says_ready(container))

    def reload(self, record: ServiceRecord) -> None:
        """Let the server that serves load its code anew; return once only that answers.

        Raises NotLoadedError, NotAskedError or EngineError; see reloading.py.
        """
        container = self._container(record.name, service_of(record.server))
        if container is None:
            raise NotAskedError(f"{record.name} has no container", hint="scoredock service deploy")
        socket = reload_socket(record.server)
        with engine_errors("reloading"):
            try:
                status, said = container.exec_run(["python", *reload_command(record, socket)])
            except APIError as error:
                raise NotAskedError(f"{record.name} does not run: {error.explanation}") from error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else ""
        log = partial(self.log, record, tail=40)
        check_reloaded(record, status or 0, text.splitlines(), log)

    def log(self, record: ServiceRecord, *, tail: int) -> str:
        """Return the last lines of the container of the current revision."""
        container = self._container(record.name, service_of(record.server))
        if container is None:
            return ""
        with engine_errors("reading the log"):
            text: bytes = container.logs(tail=tail)
        return text.decode("utf-8", "replace")

    def remove(self, name: str) -> None:
        """Remove all that the service has in the engine: containers, network, volume."""
        # By the project's name alone, so that it works without the file as well.
        self._compose(name, "down", "--volumes", "--remove-orphans", with_file=False)

    def forget(self, environments: set[str]) -> None:
        """Remove images, but for one that a container of somebody else is made from."""
        for image in sorted(environments):
            # What it shares with the build cache stays there: the next build is quick.
            with suppress(APIError):
                self._client.images.remove(image)

    def _wait(self, container: Container | None, revision: Revision) -> None:
        """Return once the container takes requests: as soon as its log says so, or it is healthy.

        The log says it about half a second before the engine has asked and is told.
        """
        if container is None:
            raise EngineError("the service has no container: was it removed meanwhile?")
        with said(container, _READY) as ready:
            wait_until_healthy(
                self._client,
                lambda: self._again(container),
                timeout=seconds(revision.start_period) + 30,
                ready=ready.wait,
            )

    def _again(self, container: Container) -> Container | None:
        try:
            found: Container = self._client.containers.get(str(container.id))
        except NotFound:
            return None
        return found

    def _own_containers(self, name: str) -> list[Container]:
        """Return them. Raises ScoredockError where another workspace or program has the project."""
        found = self._containers(name)
        for container in found:
            owner = container.labels.get("scoredock.workspace")
            if owner != self._workspace:
                raise ScoredockError(
                    f"the compose project {name} belongs to {owner or container.name}",
                    hint="choose another name for the service",
                )
        return found

    def _containers(self, name: str) -> list[Container]:
        with engine_errors("looking for the service"):
            found: list[Container] = self._client.containers.list(
                all=True, filters={"label": f"{_PROJECT}={name}"}, ignore_removed=True
            )
        return found

    def _container(self, name: str, service: str) -> Container | None:
        return _of(service, self._containers(name))

    def _write_stack(self, record: ServiceRecord, revisions: list[Revision]) -> None:
        text = stack(
            record,
            revisions,
            shipped=_shipped_service(),
            code={each.number: self._folder.live(each.server_number) for each in revisions},
            workspace=self._workspace,
        )
        path = self._folder.path / "compose.yaml"
        scratch = path.with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)

    def _compose(self, name: str, *arguments: str, with_file: bool = True) -> None:
        file = ["--file", str(self._folder.path / "compose.yaml")] if with_file else []
        run_compose(["docker", "compose", *file, "--project-name", name, *arguments], {})


def _of(service: str, containers: list[Container]) -> Container | None:
    return next((each for each in containers if each.labels.get(_SERVICE) == service), None)


def _health(container: Container) -> str:
    return str(container.attrs["State"].get("Health", {}).get("Status"))


def _says_ready(container: Container) -> bool:
    log: bytes = container.logs(since=_timestamp(container.attrs["State"]["StartedAt"]))
    return _READY.search(log) is not None


def _timestamp(text: str) -> float:
    """Return an engine's time, in UTC: nanoseconds and the Z are more than Python 3.10 reads."""
    second, _, fraction = text.rstrip("Z").partition(".")
    whole = datetime.strptime(second, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return whole.timestamp() + float(f"0.{fraction or 0}")


def _holds(holder: Container | None, record: ServiceRecord) -> bool:
    if holder is None or holder.status != "running":
        return False
    published = holder.attrs["HostConfig"]["PortBindings"]
    wanted = {"HostIp": record.bind, "HostPort": str(record.port)}
    return any(wanted in (bindings or ()) for bindings in published.values())


def _shipped_service() -> dict[str, Any]:
    data = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    service: dict[str, Any] = data["services"]["scoring"]
    return service
