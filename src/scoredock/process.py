"""The process runtime: the same server in a virtual environment on this machine, without Docker."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
import requests
from urllib3.exceptions import InsecureRequestWarning

from scoredock.app_root import make_link
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
    bind: str = ""
    port: int = 0

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
    variables = script_variables(code, env, prefix, app_root=_app_root())
    return variables | {"SCOREDOCK_BIND": f"{bracketed(bind)}:{port}"}


def script_variables(
    code: ScoringCode, env: ResolvedEnvironment, prefix: Path, *, app_root: Path
) -> dict[str, str]:
    """Return what an entry script below `app_root` sees."""
    return host_variables(prefix, app_root=app_root) | {
        **dict(env.variables),
        # As in the Dockerfile, these are set last and win over the spec's.
        "AZUREML_SOURCE_DIRECTORY": code.source_name,
        "AZUREML_ENTRY_SCRIPT": f"{code.source_name}/{code.entry_script}",
    }


def host_variables(prefix: Path, *, app_root: Path) -> dict[str, str]:
    """Return this process's variables but for what no container would see, and the image's.

    `prefix` is the environment that takes the place of /opt/env.
    """
    hidden = ("AZUREML_", "AML_", "PYTHON", "VIRTUAL_ENV", "GUNICORN_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return own | {
        "PATH": f"{prefix / 'bin'}{os.pathsep}{own.get('PATH', os.defpath)}",
        "AML_APP_ROOT": str(app_root),
        "AZUREML_CONDA_ENVIRONMENT_PATH": str(prefix),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCOREDOCK_COMPATIBILITY": "improved",
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
    scheme: str = "http",
) -> RunningProcess:
    """Start the server in the background and return once it answers.

    Raises EngineError with its log and exit status where it ends, or does not answer in
    `timeout` seconds; nothing is left running then, nor after Ctrl-C.
    """
    stop()
    app_root = _app_root()
    shutil.rmtree(app_root, ignore_errors=True)
    app_root.mkdir(parents=True)
    make_link(app_root / code.source_name, source)
    make_link(app_root / "azureml-models", models)
    process, running = launch(
        ["sh", str(CONTEXT / "entrypoint.sh")], variables, cwd=app_root, log=log_file()
    )
    running = replace(running, bind=bind, port=port)
    _record().write_text(json.dumps(asdict(running)), encoding="utf-8")
    try:
        url = f"{scheme}://{reachable_host(bind)}:{port}/"
        wait_until_ready(process, url, timeout=timeout, log=log_file())
    except BaseException:
        stop(grace=1)  # it has answered nobody yet, so that nothing is in flight
        raise
    return running


def launch(
    command: Sequence[str],
    variables: Mapping[str, str],
    *,
    cwd: Path,
    log: Path,
    descriptors: Sequence[int] = (),
) -> tuple[subprocess.Popen[bytes], RunningProcess]:
    """Start a program in the background, with its output in `log`; return what it is known by.

    It inherits the file descriptors that are named.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(variables),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is not the service's
            pass_fds=descriptors,
        )
    started = psutil.Process(process.pid).create_time()
    return process, RunningProcess(pid=process.pid, started=started)


def wait_until_ready(
    process: subprocess.Popen[bytes], url: str, *, timeout: float, log: Path
) -> None:
    """Return once the server answers at `url`.

    Raises EngineError, with the end of its log, where it ends or does not answer in `timeout`
    seconds.
    """
    deadline = time.monotonic() + timeout
    with requests.Session() as session, warnings.catch_warnings():
        session.trust_env = False  # a company proxy has no business with loopback
        # Its certificate is for the name that others call it, and it is told nothing.
        session.verify = False
        warnings.simplefilter("ignore", InsecureRequestWarning)
        while time.monotonic() < deadline:
            status = process.poll()
            if status is not None:
                raise EngineError(
                    f"the service ended with exit code {status}",
                    log=last_lines(log, 40),
                    hint="the lines above are its log; mend the entry script or the models",
                )
            try:
                if session.get(url, timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
    raise EngineError(
        f"the service does not answer after {timeout:.0f} s",
        log=last_lines(log, 40),
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

    See end() for `grace`.
    """
    record = _read_record()
    _record().unlink(missing_ok=True)
    return record is not None and end(record, grace=grace)


def end(running: RunningProcess, *, grace: float = _STOP_SECONDS) -> bool:
    """Stop a program with all its children; return whether there was one.

    What has not ended by itself after `grace` seconds is killed.
    """
    family = running.family()
    if not family:
        return False
    main = running.process()
    for member in [main] if main else family:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            member.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=grace)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=5)
    return True


def last_lines(log: Path, count: int) -> list[str]:
    """Return the last `count` lines of a log; none where there is no log."""
    if not log.is_file():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
