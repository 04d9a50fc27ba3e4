"""What the commands that deploy and update services are given."""

from pathlib import Path
from typing import Any

import click

from scoredock.options import BUILDING, FOLDER, INSTALL, TEMPLATES, pairs
from scoredock.webservice.asked import asked
from scoredock.webservice.wanted import Code, Wanted
from scoredock.workspace import Workspace

SERVED = [
    click.option("--environment", metavar="NAME[:VERSION]|PATH",
                 help="A registered environment, or a folder or file in any form."),
    click.option("--source", type=FOLDER, help="Folder of the entry script."),
    click.option("--source-name", default="", help="What that folder is called in the service.",
                 show_default="its own name"),
    click.option("--entry-script", default="", show_default="score.py",
                 help="The file with init() and run(), relative to --source."),
    click.option("--model", "models", multiple=True, metavar="NAME[:VERSION]|PATH",
                 help="A registered model, or a file or folder; as often as you like."),
    click.option("--no-models", is_flag=True, help="Serve without a model."),
    click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE",
                 callback=pairs("a variable", "NAME=VALUE"),
                 help="A variable of the service, which wins over the environment's."),
    click.option("--bind", help="Address; 0.0.0.0 opens it to the network."),
    click.option("--port", type=click.IntRange(1, 65535), show_default="a free one",
                 help="Port on this machine; it stays the same through updates."),
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


def asked_for(
    workspace: Workspace,
    *,
    source: Path | None,
    source_name: str,
    entry_script: str,
    debug: bool | None,
    debug_port: int,
    **values: Any,
) -> Wanted:
    """Return what the options ask for. Raises WorkspaceError for what is not there."""
    names = ("environment", "models", "no_models", "variables", "bind", "port", "start_period")
    settings = {name: values.pop(name) for name in (*names, "description", "tags")}
    code = Code(source=source, source_name=source_name, entry_script=entry_script)
    port = None if debug is None else debug_port if debug else 0
    return asked(workspace, code=code, building=values, debug_port=port, **settings)
