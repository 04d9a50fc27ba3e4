"""What keys, TLS, --debug and --watch add to a service, in either runtime."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docker import DockerClient

from scoredock import process
from scoredock.debugger import Fetching, debugpy_for_image, debugpy_for_prefix
from scoredock.deployment import Deployment, Report, seconds
from scoredock.engine import connect, engine_errors, find_service, holds_port
from scoredock.errors import ScoredockError
from scoredock.launch_json import attach_configuration, write_launch_json
from scoredock.paths import state
from scoredock.port import check_port

_LOOPBACK = "127.0.0.1"
_A_DAY = 24 * 3600.0
# What the server says: docker/server/scoredock_server/debugger.py.
_WAITS = "Waiting for the debugger before the script is loaded"


def overlays(deployment: Deployment) -> list[str]:
    """Return the overlays of compose.yaml that are asked for."""
    asked = {
        "keys": deployment.key_file,
        "tls": deployment.tls_certificate_file,
        "debug": deployment.debug,
        "watch": deployment.watch,
    }
    return [what for what, wanted in asked.items() if wanted]


def guard_files(deployment: Deployment) -> dict[str, str]:
    """Return the files of keys and TLS by their variables."""
    files = {
        "KEY_FILE": deployment.key_file,
        "TLS_CERTIFICATE_FILE": deployment.tls_certificate_file,
        "TLS_KEY_FILE": deployment.tls_key_file,
    }
    return {name: str(path.resolve()) for name, path in files.items() if path}


def patience(deployment: Deployment) -> float:
    """Return how many seconds a service may take to answer."""
    return _A_DAY if deployment.debug_wait else seconds(deployment.start_period)


def overlay_variables(
    deployment: Deployment, client: DockerClient, image: str, *, report: Report
) -> dict[str, str]:
    """Return the variables of the overlays; debugpy is fetched where it has to be."""
    guards = guard_files(deployment)
    if not deployment.debug:
        return guards
    if not holds_port(client, deployment.debug_port, find_service(client)):
        _check_debug_port(deployment.debug_port)
    folder = debugpy_for_image(image, fetching_of(deployment), report=report)
    return guards | {
        "DEBUG_PORT": str(deployment.debug_port),
        "DEBUG_WAIT": "true" if deployment.debug_wait else "",
        "DEBUGPY_DIR": str(folder),
    }


def process_variables(deployment: Deployment, prefix: Path, *, report: Report) -> dict[str, str]:
    """Return the server's settings for the process runtime."""
    variables = {f"SCOREDOCK_{name}": path for name, path in guard_files(deployment).items()}
    if deployment.watch:
        variables["SCOREDOCK_RELOAD"] = "watch"
    if not deployment.debug:
        return variables
    folder = debugpy_for_prefix(prefix, fetching_of(deployment), report=report)
    process.stop()  # it may have the port
    process.log_file().unlink(missing_ok=True)
    _check_debug_port(deployment.debug_port)
    return variables | {
        "SCOREDOCK_DEBUG_BIND": f"{_LOOPBACK}:{deployment.debug_port}",
        "SCOREDOCK_DEBUG_WAIT": "true" if deployment.debug_wait else "",
        "SCOREDOCK_DEBUGPY": str(folder),
    }


@contextmanager
def announcing(
    deployment: Deployment, read_log: Callable[[], str], report: Report
) -> Iterator[None]:
    """Report meanwhile that the server waits for a debugger, once its log says so.

    Nothing else tells: an engine accepts connections to a port that nobody listens to yet.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            with suppress(ScoredockError, OSError):  # it is being started, or has ended
                if _WAITS in read_log():
                    report(f"waiting for a debugger at {_LOOPBACK}:{deployment.debug_port}")
                    return

    if deployment.debug_wait:
        threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def log_of_container() -> str:
    """Return what the service's container has said."""
    with engine_errors("reading the log"):
        container = find_service(connect())
        said: bytes = container.logs() if container else b""
    return said.decode("utf-8", "replace")


def log_of_process() -> str:
    """Return what the service without Docker has said."""
    return process.log_file().read_text(encoding="utf-8", errors="replace")


def prepare_editor(name: str, *, port: int, source: Path, remote: str) -> str:
    """Write the launch.json of a service and return the next step, in one line.

    `source` is served as the folder `remote`.
    """
    workspace = Path.cwd()
    configuration = attach_configuration(
        name, port=port, source=source, remote=remote, workspace=workspace
    )
    own = state("launch", f"{name}.json")
    file = write_launch_json(configuration, workspace, own=own)
    return (
        f"attach a debugger to {_LOOPBACK}:{port}; in VS Code start {configuration['name']!r} "
        f"of {file}"
    )


def fetching_of(deployment: Deployment) -> Fetching:
    """Return how the index is reached for a deployment."""
    return Fetching(
        network=deployment.network, ca_file=deployment.ca_file, pip_config=deployment.pip_config
    )


def _check_debug_port(port: int) -> None:
    """Raise ScoredockError where it is taken; the debugger of what was stopped just now may be."""
    deadline = time.monotonic() + 3
    while True:
        try:
            return check_port(_LOOPBACK, port)
        except ScoredockError as error:
            if time.monotonic() > deadline:
                raise ScoredockError(
                    str(error), hint=f"stop that, or choose another with --debug-port {port + 1}"
                ) from error
        time.sleep(0.1)
