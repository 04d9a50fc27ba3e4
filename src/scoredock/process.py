"""The process runtime: the same server in a virtual environment on this machine, without Docker."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import requests

from scoredock.errors import EngineError
from scoredock.paths import CONTEXT, state
from scoredock.port import bracketed, reachable_host
from scoredock.render import ScoringCode
from scoredock.resolve import ResolvedEnvironment

# Above gunicorn's graceful_timeout of 25 seconds, as compose.yaml's stop_grace_period is.
_STOP_SECONDS = 30


def log_file() -> Path:
    """Return where the server writes."""
    return state("service.log")


def _record() -> Path:
    return state("service.json")


def _app_root() -> Path:
    return state("azureml-app")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """The server's main process; its start time tells it from a later one with the same pid."""

    pid: int
    started: float
    bind: str
    port: int

    def process(self) -> psutil.Process | None:
        """Return the process, or None where it has ended."""
        try:
            process = psutil.Process(self.pid)
            return process if self._is_ours(process) and _lives(process) else None
        except psutil.NoSuchProcess:
            return None

    def _is_ours(self, process: psutil.Process) -> bool:
        return abs(process.create_time() - self.started) < 1

    def family(self) -> list[psutil.Process]:
        """Return the process, its children and, where it was killed, what it left behind.

        It leads a session of its own, whose number the system gives to no other while a member
        lives.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            if not self._is_ours(psutil.Process(self.pid)):
                return []  # the number is another's by now, and so would be its session
        main = self.process()
        children = [main, *main.children(recursive=True)] if main else []
        session = [other for other in psutil.process_iter() if _session(other) == self.pid]
        return [member for member in {*children, *session} if _lives(member)]


def _lives(process: psutil.Process) -> bool:
    """Tell whether it runs; one that has ended is kept until its parent has asked for it."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:  # it has ended meanwhile, or is not ours to look at
        return None


def service_variables(
    code: ScoringCode, env: ResolvedEnvironment, prefix: Path, *, bind: str, port: int
) -> dict[str, str]:
    """Return what the container contract sets, for the same server outside a container."""
    own = {
        name: value
        for name, value in os.environ.items()
        # What a container would not see either.
        if not name.startswith(("AZUREML_", "AML_", "PYTHON", "VIRTUAL_ENV", "GUNICORN_"))
    }
    return own | {
        "PATH": f"{prefix / 'bin'}{os.pathsep}{own.get('PATH', os.defpath)}",
        "AML_APP_ROOT": str(_app_root()),
        "AZUREML_CONDA_ENVIRONMENT_PATH": str(prefix),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCOREDOCK_COMPATIBILITY": "improved",
        **dict(env.variables),
        # As in the Dockerfile, these are set last and win over the spec's.
        "AZUREML_SOURCE_DIRECTORY": code.source_name,
        "AZUREML_ENTRY_SCRIPT": f"{code.source_name}/{code.entry_script}",
        "SCOREDOCK_BIND": f"{bracketed(bind)}:{port}",
    }


def start(
    variables: Mapping[str, str],
    *,
    code: ScoringCode,
    source: Path,
    models: Path,
    bind: str,
    port: int,
    timeout: float,
) -> RunningProcess:
    """Start the server in the background and return once it answers.

    Raises EngineError with its log and exit status where it ends, or does not answer in
    `timeout` seconds; nothing is left running then, nor after Ctrl-C.
    """
    stop()
    app_root = _app_root()
    shutil.rmtree(app_root, ignore_errors=True)
    app_root.mkdir(parents=True)
    (app_root / code.source_name).symlink_to(source.resolve())
    (app_root / "azureml-models").symlink_to(models.resolve())
    with log_file().open("wb") as log:
        process = subprocess.Popen(
            ["sh", str(CONTEXT / "entrypoint.sh")],
            env=dict(variables),
            cwd=app_root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is not the service's
        )
    running = RunningProcess(
        pid=process.pid, started=psutil.Process(process.pid).create_time(), bind=bind, port=port
    )
    _record().write_text(json.dumps(asdict(running)), encoding="utf-8")
    try:
        _wait_until_ready(process, f"http://{reachable_host(bind)}:{port}/", timeout)
    except BaseException:
        stop(grace=1)  # it has answered nobody yet, so that nothing is in flight
        raise
    return running


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    with requests.Session() as session:
        session.trust_env = False  # a company proxy has no business with loopback
        while time.monotonic() < deadline:
            status = process.poll()
            if status is not None:
                raise EngineError(
                    f"the service ended with exit code {status}",
                    log=read_log(40),
                    hint="the lines above are its log; mend the entry script or the models",
                )
            try:
                if session.get(url, timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.2)
    raise EngineError(
        f"the service does not answer after {timeout:.0f} s",
        log=read_log(40),
        hint="where init() takes longer than that, set START_PERIOD",
    )


def _read_record() -> RunningProcess | None:
    try:
        return RunningProcess(**json.loads(_record().read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def running() -> RunningProcess | None:
    """Return the service that this project has started, where it still runs."""
    record = _read_record()
    return record if record and record.process() else None


def stop(*, grace: float = _STOP_SECONDS) -> bool:
    """Stop the service with all its workers; return whether there was one.

    What has not ended by itself after `grace` seconds is killed.
    """
    record = _read_record()
    _record().unlink(missing_ok=True)
    family = record.family() if record else []
    if record is None or not family:
        return False
    main = record.process()
    for member in [main] if main else family:
        member.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=grace)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=5)
    return True


def read_log(count: int) -> list[str]:
    """Return the last `count` lines of the service's log."""
    if not log_file().is_file():
        return []
    return log_file().read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
