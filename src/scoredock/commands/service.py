import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from scoredock.client import post_score
from scoredock.commands.service_lines import service_data, service_row
from scoredock.commands.service_options import FILES, SERVED, asked_by_options, asked_for
from scoredock.commands.service_plan import plan_data, print_plan, scratch_folder
from scoredock.completion import complete_service
from scoredock.engine import RuntimeChoice, choose_runtime
from scoredock.errors import ScoredockError
from scoredock.keys import first_key
from scoredock.options import FOLDER, JSON, RUNTIME, WORKSPACE, with_options
from scoredock.output import note, print_json, print_table, progress, warn
from scoredock.webservice.editor import next_step
from scoredock.webservice.environment import Told
from scoredock.webservice.lifecycle import Services
from scoredock.webservice.record import ServiceRecord
from scoredock.workspace import Workspace, find_workspace

_NAME = click.argument("name", shell_complete=complete_service)
_FROM = [WORKSPACE, JSON]


@click.group()
def service() -> None:
    """Deploy named services, and update them without a failed request.

    \b
    A service has an environment, an entry script, models, and a port that it keeps:
      scoredock service deploy digits --environment docker --source examples/digits \\
        --model examples/digits/models/sklearn_mnist/1/model.pkl --port 6789
      scoredock service update digits --model sklearn_mnist:2
      scoredock service rollback digits
      scoredock service logs digits

    With Docker each is a compose project of its name: docker compose -p NAME ps.
    """


@service.command()
@click.argument("name", required=False, shell_complete=complete_service)
@click.option("--dry-run", is_flag=True, help="Print what would be served, and change nothing.")
@with_options([FILES], SERVED, [RUNTIME], _FROM)
def deploy(
    name: str | None,
    dry_run: bool,
    files: tuple[Path, ...],
    runtime: RuntimeChoice,
    workspace: Path | None,
    as_json: bool,
    verbose: bool,
    **values: Any,
) -> None:
    """Start the service and return once it answers; one that is there is updated.

    \b
    The files of Azure ML say what to serve:
      scoredock service deploy digits -f inferenceconfig.json --model digits:1
      scoredock service deploy -f endpoint.yml -f blue-deployment.yml

    A v2 deployment gives the service its name, ENDPOINT-DEPLOYMENT, unless NAME is there. Prints
    the scoring URL.
    """
    found = find_workspace(workspace)
    with scratch_folder(dry_run) as scratch:
        name, wanted = asked_for(found, name, files, scratch=scratch, **values)
        if dry_run:
            print_plan(plan_data(found, name, wanted), as_json)
            return
    with progress("deploying") as report:
        chosen = choose_runtime(runtime, note=note)
        told = Told(warn=warn, note=note, report=report, verbose=verbose)
        record = Services(found.folder).deploy(name, wanted, runtime=chosen, told=told)
    _tell_next_step(record, found)
    _print_service(record, as_json)


@service.command()
@_NAME
@with_options(SERVED, _FROM)
def update(name: str, workspace: Path | None, as_json: bool, verbose: bool, **values: Any) -> None:
    """Serve something else; what is not named stays as it is.

    The new one is started beside the old one and takes over once its init() has run: no request
    fails. Where it cannot be started the old one goes on, and the log says why.
    """
    found = find_workspace(workspace)
    wanted = asked_by_options(found, **values)
    with progress("updating") as report:
        told = Told(warn=warn, note=note, report=report, verbose=verbose)
        record = Services(found.folder).update(name, wanted, told=told)
    _tell_next_step(record, found)
    _print_service(record, as_json)


@service.command("list")
@with_options(_FROM)
def list_command(workspace: Path | None, as_json: bool) -> None:
    """Print every service of the workspace, with its state and its URL."""
    services = Services(find_workspace(workspace).folder)
    found = [(services.get(name), services.state(name)) for name in services.names()]
    if as_json:
        print_json([service_data(record, state) for record, state in found])
    elif found:
        print_table([service_row(record, state) for record, state in found])
    else:
        note("no service")


@service.command()
@_NAME
@with_options(_FROM)
def show(name: str, workspace: Path | None, as_json: bool) -> None:
    """Print all that is known of a service."""
    services = Services(find_workspace(workspace).folder)
    data = service_data(services.get(name), services.state(name))
    if as_json:
        print_json(data)
    else:
        print_table([(key, _cell(value)) for key, value in data.items() if value])


@service.command()
@_NAME
@with_options(_FROM)
def reload(name: str, workspace: Path | None, as_json: bool) -> None:
    """Load the entry script anew from the folder that it came from, without a pause.

    It is tried first: a script that cannot be loaded changes nothing.
    """
    with progress("reloading"):
        record = Services(find_workspace(workspace).folder).reload(name)
    _print_service(record, as_json)


@service.command()
@_NAME
@with_options(_FROM)
def rollback(name: str, workspace: Path | None, as_json: bool) -> None:
    """Serve what was served before the last update."""
    with progress("rolling back") as report:
        told = Told(warn=warn, note=note, report=report)
        record = Services(find_workspace(workspace).folder).rollback(name, told=told)
    _print_service(record, as_json)


@service.command()
@_NAME
@click.option("--tail", type=click.IntRange(0), default=5000, metavar="N", show_default=True,
              help="Only the last N lines.")  # fmt: skip
@with_options(_FROM)
def logs(name: str, tail: int, workspace: Path | None, as_json: bool) -> None:
    """Print what the service has logged, or what kept it from starting."""
    text = Services(find_workspace(workspace).folder).logs(name, tail=tail)
    if as_json:
        print_json({"name": name, "lines": text.splitlines()})
    else:
        print(text, end="")


@service.command()
@_NAME
@click.option("--timeout", type=click.FloatRange(0), default=120, show_default=True,
              help="Seconds to wait at most.")  # fmt: skip
@with_options(_FROM)
def wait(name: str, timeout: float, workspace: Path | None, as_json: bool) -> None:
    """Return once the service runs, and print meanwhile what it logs; exit 1 where it does not."""
    services = Services(find_workspace(workspace).folder)
    printed = 0
    deadline = time.monotonic() + timeout
    while True:
        state = services.state(name)
        lines = services.logs(name).splitlines()
        for line in lines[printed:]:
            print(line, file=sys.stderr)
        printed = len(lines)
        if state == "running":
            break
        if time.monotonic() > deadline:
            raise ScoredockError(f"{name} is {state} after {timeout:.0f} s")
        time.sleep(0.5)
    if as_json:
        print_json(service_data(services.get(name), state))


@service.command()
@_NAME
@click.argument("file", type=click.File("rb"))
@click.option("--key-file", type=FOLDER, show_default="the service's own",
              help="File whose first key is sent.")  # fmt: skip
@with_options(_FROM)
def score(
    name: str, file: Any, key_file: Path | None, workspace: Path | None, as_json: bool
) -> None:
    """POST FILE to the service and print what it answers. FILE may be -, for standard input."""
    record = Services(find_workspace(workspace).folder).get(name)
    keys = key_file or (Path(record.key_file) if record.key_file else None)
    key = first_key(keys) if keys else ""
    answer = post_score(record.scoring_uri, file.read(), key=key)
    if as_json:
        print_json({"name": name, "scoring_uri": record.scoring_uri, "answer": answer})
    else:
        print(answer)


@service.command()
@_NAME
@click.option("--keep-image", is_flag=True, help="Leave the image to the engine.")
@with_options(_FROM)
def delete(name: str, keep_image: bool, workspace: Path | None, as_json: bool) -> None:
    """Stop the service and forget it: containers, network, volume, image and folder are gone.

    An image that another service is made from stays.
    """
    with progress("deleting"):
        Services(find_workspace(workspace).folder).delete(name, keep_image=keep_image)
    if as_json:
        print_json({"name": name})
    else:
        print(name)


def _tell_next_step(record: ServiceRecord, workspace: Workspace) -> None:
    if line := next_step(record, workspace.folder):
        print(f"==> {line}", file=sys.stderr)


def _print_service(record: ServiceRecord, as_json: bool) -> None:
    if as_json:
        print_json(service_data(record, "running"))
    else:
        print(record.scoring_uri)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={text}" for key, text in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
