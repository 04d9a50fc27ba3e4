"""Deploy, update, reload, roll back and delete a service; each leaves it whole, or as it was.

An update lets the new revision serve beside the old one; switch.py says how. The record is written
when the new one serves, so that a crash in the middle leaves the old one in charge; what was left
running is removed by whatever is done next with the service.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from scoredock.errors import EngineError, ScoredockError
from scoredock.webservice.docker_runtime import DockerRuntime
from scoredock.webservice.environment import Told
from scoredock.webservice.folder import ServiceFolder, service_names
from scoredock.webservice.process_runtime import ProcessRuntime
from scoredock.webservice.record import (
    Revision,
    RuntimeName,
    ServiceError,
    ServiceRecord,
    check_name,
)
from scoredock.webservice.runtime import Runtime
from scoredock.webservice.switch import Switch
from scoredock.webservice.wanted import Wanted, next_revision, now

# How many revisions are kept to go back to.
_KEPT = 10


class Services:
    """The services of a workspace."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._services = workspace / "services"

    def names(self) -> list[str]:
        """Return the names of all services, in order."""
        return service_names(self._services)

    def get(self, name: str) -> ServiceRecord:
        """Return a service. Raises ServiceError where there is none."""
        return self._folder(name).read()

    def deploy(
        self,
        name: str,
        wanted: Wanted,
        *,
        runtime: RuntimeName,
        told: Told,
        prepared: Callable[[], None] = lambda: None,
    ) -> ServiceRecord:
        """Serve what is wanted under this name; a service that is there already is updated.

        `prepared` is called once all is copied, before anything is started.
        """
        folder = self._folder(name)
        with folder.locked():
            record = folder.find()
            if record is not None and record.runtime != runtime and record.current:
                raise ServiceError(
                    f"{name} runs in the {record.runtime} runtime", hint="delete it first"
                )
            if record is None or record.runtime != runtime:
                record = ServiceRecord(
                    name=name, runtime=runtime, bind="127.0.0.1", port=0, created=now()
                )
            return self._update(folder, record, wanted, told, prepared)

    def update(self, name: str, wanted: Wanted, *, told: Told) -> ServiceRecord:
        """Serve something else; what is None in `wanted` stays as it is."""
        folder = self._existing(name)
        with folder.locked():
            return self._update(folder, folder.read(), wanted, told)

    def rollback(self, name: str, *, told: Told) -> ServiceRecord:
        """Serve what was served before the last update."""
        folder = self._existing(name)
        with folder.locked():
            record = folder.read()
            if not record.previous:
                raise ServiceError(f"{name}: there is nothing to go back to")
            return self._switch(folder, record, record.revision(record.previous), told)

    def reload(self, name: str) -> ServiceRecord:
        """Load the entry script anew from the folder that it was deployed from, without a pause."""
        folder = self._existing(name)
        with folder.locked():
            record = folder.read()
            Switch(folder, self._runtime(folder, record), self._workspace).reload(record)
            return record

    def state(self, name: str) -> str:
        """Return `running`, `deploying` while it does not yet, `failed` where it does not."""
        folder = self._folder(name)
        record = folder.read()
        if not record.current:
            return "failed" if record.error else "deploying"
        return "running" if self._runtime(folder, record).serves(record) else "failed"

    def logs(self, name: str, *, tail: int = 5000) -> str:
        """Return the last lines of the service's log, or of what did not come to serve."""
        folder = self._folder(name)
        record = folder.read()
        if record.current:
            return self._runtime(folder, record).log(record, tail=tail)
        failed = folder.path / "failed.log"
        lines = failed.read_text(encoding="utf-8").splitlines() if failed.is_file() else []
        return "".join(f"{line}\n" for line in lines[-tail:])

    def on_this_machine(self, name: str) -> tuple[Path, dict[str, str]]:
        """Return app root and variables of what serves without Docker. Raises ServiceError."""
        folder = self._folder(name)
        record = folder.read()
        if record.runtime == "docker":
            raise ServiceError(
                f"{name} runs in Docker: its environment is an image",
                hint=f"ask it: scoredock service score {name} FILE; or name its parts: --spec, "
                "--source, --models",
            )
        runtime = ProcessRuntime(folder)
        return runtime.app_root(record.serving), runtime.variables(record.serving)

    def delete(self, name: str, *, keep_image: bool = False) -> None:
        """Stop the service and forget it: nothing of it is left, but an image that others need."""
        folder = self._existing(name)
        with folder.locked():
            record = folder.read()
            runtime = self._runtime(folder, record)
            runtime.remove(name)
            shutil.rmtree(folder.path)
            if not keep_image:
                runtime.forget(record.environments - self._environments())

    def starting_log(self, name: str, runtime: RuntimeName) -> str:
        """Return what the revision says that is being started; empty where none is."""
        folder = self._folder(name)
        record = folder.find() or ServiceRecord(
            name=name, runtime=runtime, bind="", port=0, created=""
        )
        made = [int(path.name) for path in (folder.path / "revisions").glob("[0-9]*")]
        newest = max((each.number for each in record.revisions), default=0)
        started = [number for number in made if number > newest]
        if not started:
            return ""
        with suppress(EngineError):  # it has ended meanwhile, and the deployment says how
            starting = replace(record, current=max(started))
            return self._runtime(folder, starting).log(starting, tail=5000)
        return ""

    def _folder(self, name: str) -> ServiceFolder:
        return ServiceFolder(self._services, check_name(name))

    def _existing(self, name: str) -> ServiceFolder:
        """Return the folder of a service. Raises ServiceError where there is none."""
        folder = self._folder(name)
        folder.read()
        return folder

    def _environments(self) -> set[str]:
        """Return what the workspace's services are made from."""
        return set().union(*(self.get(name).environments for name in self.names()))

    def _runtime(self, folder: ServiceFolder, record: ServiceRecord) -> Runtime:
        if record.runtime == "docker":
            return DockerRuntime(folder, self._workspace)
        return ProcessRuntime(folder)

    def _update(
        self,
        folder: ServiceFolder,
        record: ServiceRecord,
        wanted: Wanted,
        told: Told,
        prepared: Callable[[], None] = lambda: None,
    ) -> ServiceRecord:
        record, revision = next_revision(folder, record, wanted, told, leave_out=self._workspace)
        prepared()
        return self._switch(folder, record, revision, told)

    def _switch(
        self, folder: ServiceFolder, record: ServiceRecord, revision: Revision, told: Told
    ) -> ServiceRecord:
        """Let `revision` serve in place of the current one, which stays where that fails."""
        runtime = self._runtime(folder, record)
        if folder.find() is None:
            # Before anything runs, so that it can be found again after a crash.
            folder.write(replace(record, revisions=()))
        try:
            runtime.finish(record)  # what a crash has left
            runtime.hold_port(record)
            revision = Switch(folder, runtime, self._workspace).serve(record, revision, told)
        except BaseException as error:
            self._failed(folder, record, revision, error, runtime)
            raise
        previous = record.current if record.current != revision.number else record.previous
        serving = replace(
            record.with_revision(revision), current=revision.number, previous=previous, error=""
        )
        folder.write(serving)
        if record.current and serving.server != record.server:
            told.report(f"stopping revision {record.current}")
        runtime.finish(serving)
        return folder.prune(serving, keep=_KEPT)

    def _failed(
        self,
        folder: ServiceFolder,
        record: ServiceRecord,
        revision: Revision,
        error: BaseException,
        runtime: Runtime,
    ) -> None:
        """Write down why; the revision is forgotten, and what served before serves."""
        log = "\n".join(error.log) + "\n" if isinstance(error, EngineError) else ""
        known = folder.find()
        kept = known.revisions if known else ()
        folder.write(replace(known or record, revisions=kept, error=f"{error or type(error)}"))
        if revision not in kept:
            shutil.rmtree(folder.revision(revision.number), ignore_errors=True)
        (folder.path / "failed.log").write_text(log, encoding="utf-8")
        if not record.current:
            runtime.remove(record.name)
        elif known and (known.bind, known.port) != (record.bind, record.port):
            with suppress(ScoredockError):  # the reason is the one that is raised already
                _restore(runtime, known)


def _restore(runtime: Runtime, record: ServiceRecord) -> None:
    """Let what served before serve again, on its port; nothing happens where it does."""
    if runtime.holds_port(record) and runtime.serves(record):
        return
    runtime.stop(record, record.server)  # while it answers its last requests, it has the port
    runtime.hold_port(record)
    runtime.start(record, record.serving)
