"""What the command line takes as options holds for programs as well: the variables, and .env."""

import os
import sys
from pathlib import Path
from typing import Any, Final, get_args

from scoredock.deployment import seconds
from scoredock.engine import RuntimeChoice, choose_runtime
from scoredock.output import note, warn
from scoredock.packages import InstallerChoice
from scoredock.sdk.errors import UserErrorException
from scoredock.settings import read_dotenv
from scoredock.webservice.environment import Told
from scoredock.webservice.record import RuntimeName

_TEXTS: Final = {"base_image": "BASE_IMAGE", "build_image": "BUILD_IMAGE"}
_PATHS: Final = {
    "ca_file": "CA_FILE",
    "pip_config": "PIP_CONFIG",
    "network": "NETWORK_FILE",
    "templates": "TEMPLATES_DIR",
}


def setting(name: str) -> str:
    """Return a variable of the process environment, or else of .env; empty where neither has it.

    Of .env nothing is put into the program's own environment, but for SCOREDOCK_STATE.
    """
    return os.environ[name] if name in os.environ else read_dotenv().get(name, "")


def use_state_folder() -> None:
    """Keep environments where the command line keeps them, where .env says so."""
    if state := setting("SCOREDOCK_STATE"):
        os.environ["SCOREDOCK_STATE"] = state


def building() -> dict[str, Any]:
    """Return the options of a build, as `asked.to_be_made` takes them."""
    texts = {option: setting(name) for option, name in _TEXTS.items()}
    paths = {option: setting(name) for option, name in _PATHS.items()}
    return {
        "installer": _one_of("INSTALLER", get_args(InstallerChoice)),
        **texts,
        **{option: Path(path) if path else None for option, path in paths.items()},
    }


def chosen_runtime(asked: str | None = None) -> RuntimeName:
    """Return the runtime to deploy in: what is asked for, or RUNTIME, or what this machine has."""
    choices = get_args(RuntimeChoice)
    if asked is not None and asked not in choices:
        raise UserErrorException(f"runtime: expected {', '.join(choices)} or None, found {asked!r}")
    choice: Any = asked or _one_of("RUNTIME", choices)
    return choose_runtime(choice, note=note)


def start_period() -> str | None:
    """Return how long init() may take, as START_PERIOD says."""
    period = setting("START_PERIOD") or None
    if period:
        seconds(period)
    return period


def _one_of(name: str, choices: tuple[str, ...]) -> Any:
    found = setting(name) or "auto"
    if found not in choices:
        raise UserErrorException(f"{name}: expected {', '.join(choices)}, found {found!r}")
    return found


def told(*, verbose: bool = False) -> Told:
    """Return who is told what: all on standard error; with `verbose` all that a build says too."""
    return Told(warn=warn, note=note, report=report, verbose=verbose)


def report(line: str) -> None:
    """Print a line of progress."""
    print(f"==> {line}", file=sys.stderr, flush=True)


def print_rest(log: str, printed: int) -> int:
    """Print the lines of a log that have not been printed; return how many."""
    lines = log.splitlines()[printed:]
    for line in lines:
        print(line, flush=True)
    return len(lines)
