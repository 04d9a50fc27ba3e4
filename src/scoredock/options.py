"""The options that several commands share, each with its variable of .env."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from scoredock.paths import CONTEXT, KIT

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


# Every variable that an option below stands for.
VARIABLES: set[str] = set()


def option(*names: str, envvar: str | None = None, **settings: Any) -> Decorator:
    """Return a click option whose help tells its default and its variable."""
    if envvar:
        VARIABLES.add(envvar)
        settings["envvar"] = envvar
    return click.option(*names, **{"show_default": True, "show_envvar": True} | settings)


FOLDER = click.Path(path_type=Path)

SPEC = [
    option("--spec", envvar="SPEC_DIR", type=FOLDER, default=CONTEXT,
           help="Folder of azureml_environment.json."),
    option("--source", envvar="SOURCE_DIR", type=FOLDER, default=KIT / "examples" / "digits",
           help="Folder of the entry script; it goes into the image."),
    option("--source-name", envvar="SOURCE_NAME", default="", show_default="its own",
           help="Name of that folder in the image."),
    option("--entry-script", envvar="ENTRY_SCRIPT", default="score.py",
           help="The file with init() and run(), relative to --source."),
    option("--models", envvar="MODELS_DIR", type=FOLDER,
           show_default="models in --source", help="Folder of NAME/VERSION/<file>."),
    option("--templates", envvar="TEMPLATES_DIR", type=FOLDER,
           help="Folder of templates that go before the shipped ones."),
    option("--keep", multiple=True, metavar="PACKAGE",
           help="Install this azureml package, which scoredock-server takes the place of."),
]  # fmt: skip
BASE_IMAGE = option(
    "--base-image", envvar="BASE_IMAGE", default="",
    show_default="the spec's, python:X.Y-slim", help="What the image is built from.",
)  # fmt: skip
IMAGE = [
    option("--image", envvar="IMAGE", default="",
           show_default="made from the source folder's", help="Name of the image."),
    BASE_IMAGE,
    option("--ca-file", envvar="CA_FILE", type=FOLDER,
           help="PEM file of authorities to trust while packages are installed."),
    option("--pip-config", envvar="PIP_CONFIG", type=FOLDER,
           help="pip.conf with the package index and its credentials."),
    click.option("--verbose", is_flag=True, help="Show the output of every build step."),
]  # fmt: skip
LISTEN = [
    option("--bind", envvar="BIND", default="127.0.0.1",
           help="Address of the service; 0.0.0.0 opens it to the network."),
    option("--port", envvar="PORT", type=click.IntRange(1, 65535), default=6789,
           help="Port on this machine."),
]  # fmt: skip
SERVICE = [
    *LISTEN,
    option("--worker-count", envvar="WORKER_COUNT", type=click.IntRange(1),
           show_default="the spec's, or 1", help="Processes that each load the model."),
    option("--worker-timeout", envvar="WORKER_TIMEOUT", type=click.IntRange(1),
           show_default="the spec's, or 300",
           help="Seconds after which a silent worker is replaced."),
    option("--start-period", envvar="START_PERIOD", default="120s",
           help="How long init() may take."),
]  # fmt: skip
RUNTIME = option(
    "--runtime", envvar="RUNTIME", type=click.Choice(["auto", "docker", "process"]),
    default="auto", help="auto: docker where an engine answers, else process.",
)  # fmt: skip


def with_options(*groups: list[Any]) -> Decorator:
    """Decorate a command with every option of the groups, in their order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate
