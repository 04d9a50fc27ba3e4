"""The docker runtime: start and stop the stack of compose.yaml."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from docker import DockerClient
from docker.models.containers import Container

from scoredock.engine import engine_errors, exit_code
from scoredock.errors import EngineError
from scoredock.paths import COMPOSE_FILE, PROJECT

_FAILED = "the lines above are its own; scoredock doctor tells what this machine lacks"
# What an engine without GPUs says to a spec that asks for them.
_NO_DEVICE = "could not select device driver"
_NO_GPU = (
    "this engine has no GPUs: take docker.gpuSupport, or --gpus of docker.arguments, out of the "
    "spec, or give it them with the NVIDIA Container Toolkit"
)


def compose_command(*arguments: str, overlays: Sequence[str] = ()) -> list[str]:
    """Return a `docker compose` command for the shipped stack, with overlays as `debug` on it."""
    files = [COMPOSE_FILE, *(COMPOSE_FILE.with_name(f"compose.{what}.yaml") for what in overlays)]
    named = [word for file in files for word in ("--file", str(file))]
    return ["docker", "compose", *named, *arguments]


def run_compose(command: list[str], variables: Mapping[str, str]) -> None:
    """Run compose with `variables` in its environment; raises EngineError with what it said."""
    result = subprocess.run(
        command,
        env=os.environ | dict(variables),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        raise EngineError(
            "docker compose failed",
            command=command,
            log=result.stdout.splitlines()[-20:],
            hint=_NO_GPU if _NO_DEVICE in result.stdout else _FAILED,
        )


def abandon(variables: Mapping[str, str], *, report: Callable[[str], None]) -> None:
    """Remove a stack that has answered nobody yet; `report` is told where that is not possible.

    An interrupted `up` goes on in the engine for a moment, and `down` fails meanwhile.
    """
    # Nothing is in flight that would be worth waiting for.
    command = compose_command("down", "--timeout=1")
    for _ in range(5):
        try:
            run_compose(command, variables)
        except EngineError:
            time.sleep(1)
        else:
            return
    report(f"the stack could not be removed; try: {' '.join(command)}")


def _not_sooner(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def wait_until_healthy(
    client: DockerClient,
    find: Callable[[], Container | None],
    *,
    timeout: float,
    ready: Callable[[float], bool] = _not_sooner,
) -> Container:
    """Return the container that `find` returns once it is healthy.

    `ready` waits for some seconds and may know sooner that it is.

    Raises EngineError with its log and exit status where it ends, and with its log where it is
    not healthy after `timeout` seconds. A container that the restart policy has started again
    has ended before: it is not waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        with engine_errors("waiting for the service"):
            container = find()
            if container is None:
                raise EngineError("the service has no container: was it removed meanwhile?")
            state = container.attrs["State"]
            restarts = container.attrs["RestartCount"]
        if restarts or state["Status"] in ("exited", "dead", "restarting"):
            raise EngineError(
                f"the service's container ended with exit code {exit_code(client, container)}",
                log=_last_lines(container),
                hint="the lines above are its log; mend the entry script or the models, try again",
            )
        if state.get("Health", {}).get("Status") == "healthy":
            return container
        if time.monotonic() > deadline:
            raise EngineError(
                f"the service is not healthy after {timeout:.0f} s",
                log=_last_lines(container),
                hint="where init() takes longer than that, set START_PERIOD",
            )
        if ready(0.1):
            return container


def _last_lines(container: Container, count: int = 40) -> list[str]:
    log: bytes = container.logs(tail=count)
    return log.decode("utf-8", "replace").splitlines()
