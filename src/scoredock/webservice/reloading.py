"""Ask a server to load its code anew, and understand what it answers.

The server starts another one beside itself, in the same container, which takes over once its
init() has run; see scoredock_server/supervisor.py.
"""

from collections.abc import Callable, Sequence

from scoredock.deployment import seconds
from scoredock.errors import EngineError
from scoredock.webservice.record import ServiceRecord


class NotLoadedError(EngineError):
    """The code cannot be loaded; what served before still does."""


class NotAskedError(EngineError):
    """The server could not be asked: it serves as before."""


def reload_command(record: ServiceRecord, socket: str) -> list[str]:
    """Return what asks the server that listens at `socket`, but for the Python before it."""
    timeout = seconds(record.serving.start_period) + 30
    return ["-m", "scoredock_server.reload", socket, str(timeout)]


def check_reloaded(
    record: ServiceRecord, status: int, said: Sequence[str], log: Callable[[], str]
) -> None:
    """Raise NotLoadedError, NotAskedError or EngineError unless that command has ended well."""
    if not status:
        return
    *lines, outcome = said or [f"exit code {status}"]
    if status == 4:
        raise NotLoadedError(
            f"{record.name} was not reloaded, as the entry script cannot be loaded: {outcome}",
            log=[line for line in lines if line] or log().splitlines(),
            hint="what served before still does; mend the script and try again",
        )
    # A Python that cannot run the command ends with 1 and a traceback.
    kind = EngineError if status == 3 else NotAskedError
    raise kind(
        f"{record.name} was not reloaded: {outcome}",
        log=log().splitlines(),
        hint=f"what served before still does; scoredock service logs {record.name}",
    )
