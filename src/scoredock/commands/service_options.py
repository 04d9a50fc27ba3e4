"""What a service is to serve, as options say it and the files of `-f`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from scoredock.completion import complete_environment_or_path, complete_model_or_path
from scoredock.errors import SpecError
from scoredock.formats.service_files import read_service
from scoredock.formats.service_reading import Said
from scoredock.options import BUILDING, FOLDER, INSTALL, TEMPLATES, pairs
from scoredock.output import note, warn
from scoredock.webservice.asked import asked
from scoredock.webservice.from_files import service_name, with_files
from scoredock.webservice.record import check_name
from scoredock.webservice.wanted import Code, Wanted
from scoredock.workspace import Workspace

SERVED = [
    click.option("--environment", metavar="NAME[:VERSION]|PATH",
                 shell_complete=complete_environment_or_path,
                 help="A registered environment, or a folder or file in any form."),
    click.option("--source", type=FOLDER, help="Folder of the entry script."),
    click.option("--source-name", default="", help="What that folder is called in the service.",
                 show_default="its own name"),
    click.option("--entry-script", default="", show_default="score.py",
                 help="The file with init() and run(), relative to --source."),
    click.option("--model", "-m", "models", multiple=True, metavar="NAME[:VERSION]|PATH",
                 shell_complete=complete_model_or_path,
                 help="A registered model, or a file or folder; as often as you like."),
    click.option("--no-models", is_flag=True, help="Serve without a model."),
    click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE",
                 callback=pairs("a variable", "NAME=VALUE"),
                 help="A variable of the service, which wins over the environment's."),
    click.option("--bind", help="Address; 0.0.0.0 opens it to the network."),
    click.option("--port", type=click.IntRange(1, 65535), show_default="a free one",
                 help="Port on this machine; it stays the same through updates."),
    click.option("--key-file", type=FOLDER,
                 help="File with the key that requests have to send, or two, a line for each; it "
                 "is copied."),
    click.option("--start-period", help="How long init() may take.", show_default="120s"),
    click.option("--description", help="A sentence about the service."),
    click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", callback=pairs("a tag"),
                 help="As often as you like."),
    click.option("--debug/--no-debug", default=None,
                 help="Let a debugger in, on loopback: one worker, no timeouts, a launch.json for "
                 "VS Code in the working directory."),
    click.option("--debug-port", type=click.IntRange(1, 65535), default=5678, show_default=True,
                 help="Where it attaches, with --debug."),
    TEMPLATES, *INSTALL, *BUILDING,
]  # fmt: skip
FILES = click.option(
    "--file", "-f", "files", multiple=True, type=FOLDER, metavar="FILE",
    help="inferenceconfig.json, deploymentconfig.json, or the YAML of a v2 endpoint or deployment; "
    "as often as you like. Other options win over what stands there.",
)  # fmt: skip


_CODE = ("source", "source_name", "entry_script")
_SETTINGS = (
    "environment",
    "models",
    "no_models",
    "variables",
    "bind",
    "port",
    "start_period",
    "key_file",
    "description",
    "tags",
)
_ASKED = (*_CODE, *_SETTINGS, "debug", "debug_port")  # fmt: skip


def asked_by_options(workspace: Workspace, **values: Any) -> Wanted:
    """Return what the options of SERVED ask for."""
    code = Code(**{name: values[name] for name in _CODE})
    settings = {name: values[name] for name in _SETTINGS}
    debug, port = values["debug"], values["debug_port"]
    debug_port = None if debug is None else port if debug else 0
    building = _building(values)
    return asked(workspace, code=code, building=building, debug_port=debug_port, **settings)


def _building(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a build."""
    return {name: value for name, value in values.items() if name not in _ASKED}


def asked_for(
    workspace: Workspace,
    name: str | None,
    files: Sequence[Path],
    *,
    scratch: Path | None = None,
    **values: Any,
) -> tuple[str, Wanted]:
    """Return the service's name and what is to be served: the files, with options in their place.

    Where there is a `scratch` folder, nothing is written anywhere else.
    """
    options = asked_by_options(workspace, **values)
    if not files:
        if not name:
            raise click.UsageError("Missing argument 'NAME', or a file that tells it: -f FILE")
        return check_name(name), options
    said = Said()
    given = {name for name in ("environment", "source") if values[name]}
    if options.models is not None:
        given.add("models")
    try:
        reading = read_service(files, said, given=given)
        name = service_name(reading, name)
        wanted = with_files(
            workspace,
            reading,
            options,
            building=_building(values),
            folder=scratch or workspace.services / name,
        )
    except SpecError as error:
        error.warnings = error.warnings or tuple(said.warnings)
        raise
    for line in said.warnings:
        warn(line)
    for line in said.notes:
        note(line)
    return name, wanted
