"""Let another revision serve in place of the one that does, so that no request fails.

One that differs in its code only is loaded by the server that is there: a process beside the old
one, in the same container, takes over. Any other has a server of its own, which takes requests from
the port once its init() has run; then the old one ends what it has begun and stops.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from scoredock.errors import ScoredockError
from scoredock.webservice.environment import Told
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.record import Revision, ServiceRecord
from scoredock.webservice.reloading import NotAskedError, NotLoadedError
from scoredock.webservice.runtime import Runtime
from scoredock.webservice.wanted import fill


class Switch:
    """What changes which code a service runs; the record is written by somebody else."""

    def __init__(self, folder: ServiceFolder, runtime: Runtime, workspace: Path) -> None:
        self._folder = folder
        self._runtime = runtime
        self._workspace = workspace

    def serve(self, record: ServiceRecord, revision: Revision, told: Told) -> Revision:
        """Let `revision` serve; return it with the number of its server.

        Raises EngineError where it cannot be loaded, with its log; the old one serves then. Where
        another one has been started, the old one is still to be stopped.
        """
        if self._can_be_loaded(record, revision) and self._runtime.serves(record):
            told.report(f"loading revision {revision.number} of {record.name}")
            with suppress(NotAskedError):
                self._load(record, partial(self._copy_code, self._folder.code(revision.number)))
                has_keys = record.serving.has_keys
                return replace(revision, server=record.server, has_keys=has_keys)
        told.report(f"starting revision {revision.number} of {record.name}")
        own = replace(revision, server=0, has_keys=bool(record.key_file))
        self._start(record, own)
        return own

    def reload(self, record: ServiceRecord) -> None:
        """Load the code anew from where it was deployed from. Raises EngineError as serve()."""
        revision = record.serving
        fill_anew = partial(
            fill,
            source=Path(revision.source),
            leave_out=self._workspace,
            whole=revision.source_is_root,
        )
        self._load(record, fill_anew)
        self._copy_code(self._folder.live(record.server), self._folder.code(revision.number))

    def _can_be_loaded(self, record: ServiceRecord, revision: Revision) -> bool:
        """Tell whether the server that serves can serve this revision as well."""
        live = self._folder.live(record.server)
        if not record.current or revision.debug_port or not live.is_dir():
            return False
        if record.serving.has_keys != bool(record.key_file):
            return False
        codes = [self._folder.code(number) for number in (record.current, revision.number)]
        # These are run as a container starts.
        has_hooks = any((code / "entrypoint.d").exists() for code in codes)
        return not has_hooks and revision.differs_in_code_only(record.serving)

    def _load(self, record: ServiceRecord, refill: Callable[[Path], None]) -> None:
        """Let the server load what `refill` puts into its folder, which is undone on failure."""
        live = self._folder.live(record.server)
        try:
            refill(live)
            self._runtime.reload(record)
        except BaseException as error:
            self._copy_code(self._folder.code(record.current), live)
            if not isinstance(error, NotLoadedError | NotAskedError):
                with suppress(ScoredockError):  # it may have come to serve the new code
                    self._runtime.reload(record)
            raise

    def _start(self, record: ServiceRecord, revision: Revision) -> None:
        """Start a server for `revision` beside the one that serves.

        Two cannot have one debugger's port, nor one number: then the old one ends first, and comes
        back where the new one cannot be started; requests wait at the port meanwhile.
        """
        before = record.serving if record.current else None
        in_its_way = before if before and _excludes(before, revision) else None
        if in_its_way:
            self._runtime.stop(record, in_its_way.server_number)
        self._copy_code(self._folder.code(revision.number), self._folder.live(revision.number))
        try:
            self._runtime.start(record, revision)
        except BaseException:
            if in_its_way:
                code = self._folder.code(in_its_way.number)
                self._copy_code(code, self._folder.live(in_its_way.server_number))
                self._runtime.start(record, in_its_way)
            raise

    def _copy_code(self, source: Path, target: Path) -> None:
        fill(target, source, leave_out=self._workspace, whole=True)


def _excludes(before: Revision, revision: Revision) -> bool:
    """Tell whether both cannot run at once."""
    if before.server_number == revision.server_number:
        return True
    return bool(revision.debug_port) and before.debug_port == revision.debug_port
