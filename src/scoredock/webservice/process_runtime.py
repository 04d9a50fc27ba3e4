"""Services without Docker: the port's holder and each revision's server are processes here."""

import json
import shutil
import socket
import subprocess
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from scoredock.app_root import make_link, mirror
from scoredock.deployment import seconds
from scoredock.paths import CONTEXT
from scoredock.port import bracketed, check_port
from scoredock.process import (
    RunningProcess,
    end,
    host_variables,
    last_lines,
    launch,
    wait_until_ready,
)
from scoredock.webservice.folder import ServiceFolder
from scoredock.webservice.record import Revision, ServiceRecord
from scoredock.webservice.reloading import NotAskedError, check_reloaded, reload_command
from scoredock.webservice.stack import (
    access_variables,
    debug_variables,
    script_folder,
    served_variables,
)

_HOLDER = "port"


class ProcessRuntime:
    """Starts and stops what a service consists of; what runs stands in run/NAME.json."""

    def __init__(self, folder: ServiceFolder) -> None:
        self._folder = folder
        self._run = folder.path / "run"

    def holds_port(self, record: ServiceRecord) -> bool:
        """Tell whether the port's holder runs."""
        holder = self._running(_HOLDER)
        return holder is not None and (holder.bind, holder.port) == (record.bind, record.port)

    def hold_port(self, record: ServiceRecord) -> None:
        """Start the port's holder, unless it runs; a port that is taken is a ScoredockError.

        What serves with another holder ends then.
        """
        if self.holds_port(record):
            return
        holder = self._running(_HOLDER)
        if holder is None or holder.port != record.port:
            check_port(record.bind, record.port)  # before the one that there is ends
        self._end(_HOLDER)
        check_port(record.bind, record.port)
        prefix = Path(record.holder)
        self._run.mkdir(parents=True, exist_ok=True)
        address = f"{bracketed(record.bind)}:{record.port}"
        command = [
            str(prefix / "bin" / "python"), "-m", "scoredock_server.handover", address, "port.sock",
        ]  # fmt: skip
        variables = host_variables(prefix, app_root=self._run)
        _, running = launch(command, variables, cwd=self._run, log=self._run / "port.log")
        self._note(_HOLDER, replace(running, bind=record.bind, port=record.port))

    def start(self, record: ServiceRecord, revision: Revision) -> None:
        """Start a revision beside what serves already; return once it takes requests.

        Raises EngineError, with its log, where it does not come to that; then it is stopped.
        """
        self._make_app_root(revision)
        with socket.socket() as own:
            # The new server's own address, to ask it whether it is ready.
            own.bind(("127.0.0.1", 0))
            own.listen()
            variables = {
                **self.variables(revision),
                **access_variables(record, keys=record.key_file),
                "SCOREDOCK_BIND": f"fd://{own.fileno()}",
                "SCOREDOCK_PORT_FROM": str(self._run / "port.sock"),
                "SCOREDOCK_RELOAD_SOCKET": str(self._reload_socket(revision.server_number)),
            }
            process, running = launch(
                ["sh", str(CONTEXT / "entrypoint.sh")],
                variables,
                cwd=self._working_folder(revision),
                log=self._log(revision.server_number),
                descriptors=[own.fileno()],
            )
            url = f"http://127.0.0.1:{own.getsockname()[1]}/"
        self._note(str(revision.server_number), running)
        try:
            self._wait(process, url, revision)
        except BaseException:
            self.stop(record, revision.server_number, grace=1)
            raise

    def finish(self, record: ServiceRecord) -> None:
        """Stop every server but the one that serves; each ends what it has begun."""
        for number in self.running(record.name) - {record.server}:
            self.stop(record, number)

    def stop(self, record: ServiceRecord, number: int, *, grace: int = 30) -> None:  # noqa: ARG002
        """Stop a revision's server, where there is one."""
        self._end(str(number), grace=grace)

    def running(self, name: str) -> set[int]:  # noqa: ARG002
        """Return the numbers of the servers that have been started and not been stopped."""
        return {int(path.stem) for path in self._run.glob("*.json") if path.stem.isdigit()}

    def serves(self, record: ServiceRecord) -> bool:
        """Tell whether port and current revision are there."""
        return bool(self._running(_HOLDER) and self._running(str(record.server)))

    def reload(self, record: ServiceRecord) -> None:
        """Let the server that serves load its code anew; return once only that answers.

        Raises NotLoadedError, NotAskedError or EngineError; see reloading.py.
        """
        if self._running(str(record.server)) is None:
            raise NotAskedError(f"{record.name} does not run", hint="scoredock service deploy")
        python = Path(record.serving.environment) / "bin" / "python"
        asked = subprocess.run(
            [python, *reload_command(record, str(self._reload_socket(record.server)))],
            env=host_variables(python.parents[1], app_root=self._run), text=True,
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log = partial(self.log, record, tail=40)
        check_reloaded(record, asked.returncode, asked.stdout.splitlines(), log)

    def log(self, record: ServiceRecord, *, tail: int) -> str:
        """Return the last lines of the log of the current revision."""
        lines = last_lines(self._log(record.server), tail)
        return "\n".join(lines) + "\n" if lines else ""

    def remove(self, name: str) -> None:
        """Stop all processes of the service."""
        for number in self.running(name):
            self._end(str(number))
        self._end(_HOLDER, grace=2)
        shutil.rmtree(self._run, ignore_errors=True)

    def forget(self, environments: set[str]) -> None:
        """Do nothing: environments on this machine are not a service's own."""

    def _wait(self, process: "subprocess.Popen[bytes]", url: str, revision: Revision) -> None:
        timeout = seconds(revision.start_period)
        wait_until_ready(process, url, timeout=timeout, log=self._log(revision.server_number))

    def variables(self, revision: Revision) -> dict[str, str]:
        """Return what the entry script of a revision sees."""
        app_root = self.app_root(revision)
        return {
            **host_variables(Path(revision.environment), app_root=app_root),
            **revision.environment_variables,
            **served_variables(revision, app_root=str(app_root)),
            **debug_variables(
                revision, bind=f"127.0.0.1:{revision.debug_port}", folder=revision.debugpy
            ),
        }

    def app_root(self, revision: Revision) -> Path:
        """Return the folder that takes the place of /var/azureml-app."""
        return process_app_root(self._folder, revision.server_number)

    def _working_folder(self, revision: Revision) -> Path:
        root = self.app_root(revision)
        return root / script_folder(revision) if revision.source_is_root else root

    def _make_app_root(self, revision: Revision) -> None:
        root = self.app_root(revision)
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        make_link(root / revision.source_name, self._folder.live(revision.server_number))
        for model in revision.models:
            place = f"{model.name}/{model.version}"
            mirror(Path(model.folder), root / "azureml-models" / place)
            if model.manifest:
                make_link(root / "model-manifests" / f"{place}.json", Path(model.manifest))

    def _reload_socket(self, server: int) -> Path:
        return self._run / f"reload-{server}.sock"

    def _log(self, number: int) -> Path:
        return self._folder.revision(number) / "log"

    def _note(self, what: str, running: RunningProcess) -> None:
        (self._run / f"{what}.json").write_text(json.dumps(asdict(running)), encoding="utf-8")

    def _read(self, what: str) -> RunningProcess | None:
        try:
            text = (self._run / f"{what}.json").read_text(encoding="utf-8")
            return RunningProcess(**json.loads(text))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _running(self, what: str) -> RunningProcess | None:
        noted = self._read(what)
        return noted if noted and noted.process() else None

    def _end(self, what: str, *, grace: int = 30) -> None:
        noted = self._read(what)
        if noted:
            end(noted, grace=grace)
        (self._run / f"{what}.json").unlink(missing_ok=True)


def process_app_root(folder: ServiceFolder, number: int) -> Path:
    """Return the folder that takes the place of /var/azureml-app for a revision."""
    return folder.revision(number) / "azureml-app"
