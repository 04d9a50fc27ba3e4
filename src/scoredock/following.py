"""Print what the service of this project logs, as long as it runs."""

import subprocess
import sys

from scoredock import process, service
from scoredock.engine import connect, find_service
from scoredock.errors import EngineError, ScoredockError


def print_log(runtime: str | None, *, follow: bool, tail: int | None = None) -> None:
    """Print the log, or its last `tail` lines; with `follow` go on until the service ends."""
    if runtime == "process":
        _print_file(follow=follow, tail=tail)
        return
    # A service may say nothing for days.
    container = runtime and find_service(connect(timeout=10**7 if follow else 10))
    if not container:
        raise ScoredockError("no service runs here", hint="start one with scripts/up")
    for chunk in container.logs(
        stream=True, follow=follow, tail=tail if tail is not None else "all"
    ):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def _print_file(*, follow: bool, tail: int | None) -> None:
    command = ["tail", "-n", str(tail) if tail is not None else "+1", str(process.log_file())]
    running = process.running()
    if follow:
        command[1:1] = ["-f", *([f"--pid={running.pid}"] if running else [])]
    sys.stdout.flush()
    subprocess.run(command, check=False)


def follow_until_stopped(runtime: str) -> None:
    """Print the log until Ctrl-C, which stops the service. Raises EngineError if that ends."""
    try:
        print_log(runtime, follow=True)
    finally:
        print("stopping the service", file=sys.stderr)
        service.down()
    raise EngineError("the service has ended", hint="the lines above are its log")
