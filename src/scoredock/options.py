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

TEMPLATES = option(
    "--templates", envvar="TEMPLATES_DIR", type=FOLDER,
    help="Folder of templates that go before the shipped ones.",
)  # fmt: skip
INSTALL = [
    option("--installer", envvar="INSTALLER", type=click.Choice(["auto", "pip", "conda"]),
           default="auto", help="auto: pip, unless the conda part asks for more than Python and "
           "pip; pip takes the packages of the conda part from the Python index."),
    option("--keep", multiple=True, metavar="NAME",
           help="Keep an azureml package that scoredock-server takes the place of, or what the "
           "image leaves out: pip, tests, conda-meta."),
]  # fmt: skip
SPEC = [
    option("--spec", envvar="SPEC_DIR", type=FOLDER, default=CONTEXT,
           help="The environment: a folder or a file in any form; scoredock inspect lists them."),
    option("--source", envvar="SOURCE_DIR", type=FOLDER, default=KIT / "examples" / "digits",
           help="Folder of the entry script; it goes into the image."),
    option("--source-name", envvar="SOURCE_NAME", default="", show_default="its own",
           help="Name of that folder in the image."),
    option("--entry-script", envvar="ENTRY_SCRIPT", default="score.py",
           help="The file with init() and run(), relative to --source."),
    option("--models", envvar="MODELS_DIR", type=FOLDER,
           show_default="models in --source", help="Folder of NAME/VERSION/<file>."),
    TEMPLATES,
    *INSTALL,
]  # fmt: skip
BASE_IMAGE = option(
    "--base-image", envvar="BASE_IMAGE", default="",
    show_default="the spec's, python:X.Y-slim", help="What the image is built from.",
)  # fmt: skip
BUILD_IMAGE = option(
    "--build-image", envvar="BUILD_IMAGE", default="",
    show_default="python:3.12-slim-trixie", help="Where conda packages are installed.",
)  # fmt: skip
NETWORK = [
    option("--ca-file", envvar="CA_FILE", type=FOLDER,
           help="PEM file of authorities to trust while packages are installed; without it, that "
           "of this machine's own pip."),
    option("--pip-config", envvar="PIP_CONFIG", type=FOLDER,
           help="pip.conf with the package index and its credentials; without it, the indexes of "
           "this machine's own pip."),
    option("--network", envvar="NETWORK_FILE", type=FOLDER,
           show_default="scoredock.network.yaml beside the spec",
           help="YAML file of mirrors, Python index, proxy, authorities: docs/network.md."),
]  # fmt: skip
BUILDING = [
    BASE_IMAGE,
    BUILD_IMAGE,
    *NETWORK,
    click.option("--verbose", is_flag=True, help="Show the output of every build step."),
]
IMAGE = [
    option("--image", envvar="IMAGE", default="",
           show_default="made from the source folder's", help="Name of the image."),
    *BUILDING,
]  # fmt: skip
EDITED = [
    click.option("--as-is", is_flag=True,
                 help="Use a rendered file that was edited by hand as it stands, and leave it."),
    click.option("--force", is_flag=True,
                 help="Throw away what was edited by hand in rendered files."),
]  # fmt: skip
LOCKED = click.option(
    "--locked",
    is_flag=True,
    help="Install exactly what scoredock.lock names; exit 4 where it is stale.",
)
LISTEN = [
    option("--bind", envvar="BIND", default="127.0.0.1",
           help="Address of the service; 0.0.0.0 opens it to the network."),
    option("--port", envvar="PORT", type=click.IntRange(1, 65535), default=6789,
           help="Port on this machine."),
]  # fmt: skip
KEY_FILE = option(
    "--key-file", envvar="KEY_FILE", type=FOLDER,
    help="File with the key of the service, or two, a line for each.",
)  # fmt: skip
SERVICE = [
    *LISTEN,
    KEY_FILE,
    option("--tls-certificate-file", envvar="TLS_CERTIFICATE_FILE", type=FOLDER,
           help="Certificate in PEM: the service speaks TLS."),
    option("--tls-key-file", envvar="TLS_KEY_FILE", type=FOLDER, help="Its key in PEM."),
    option("--worker-count", envvar="WORKER_COUNT", type=click.IntRange(1),
           show_default="the spec's, or 1", help="Processes that each load the model."),
    option("--worker-timeout", envvar="WORKER_TIMEOUT", type=click.IntRange(1),
           show_default="the spec's, or 300",
           help="Seconds after which a silent worker is replaced."),
    option("--start-period", envvar="START_PERIOD", default="120s",
           help="How long init() may take."),
]  # fmt: skip
DEVELOPMENT = [
    click.option("--watch", is_flag=True,
                 help="Load the script anew when a Python file beside it changes; show the log "
                 "until Ctrl-C, which stops the service."),
    click.option("--debug", is_flag=True,
                 help="Let a debugger in, on loopback: one worker, no timeouts, a launch.json for "
                 "VS Code in the working directory."),
    option("--debug-port", envvar="DEBUG_PORT", type=click.IntRange(1, 65535), default=5678,
           help="Where it attaches, with --debug."),
    click.option("--debug-wait", is_flag=True,
                 help="Load the script once it has attached: for breakpoints in init()."),
]  # fmt: skip
RUNTIME = option(
    "--runtime", envvar="RUNTIME", type=click.Choice(["auto", "docker", "process"]),
    default="auto", help="auto: docker where an engine answers, else process.",
)  # fmt: skip


WORKSPACE = option(
    "--workspace", envvar="SCOREDOCK_WORKSPACE", type=FOLDER,
    show_default=".scoredock/workspace here or above", help="Folder of models and environments.",
)  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


SERVICE_NAME = click.option(
    "--service", metavar="NAME",
    help="What a service of the workspace that runs without Docker has, in place of all these.",
)  # fmt: skip


def pairs(text: str, metavar: str = "KEY=VALUE") -> Callable[..., dict[str, str]]:
    """Return a click callback that makes a mapping of what is given as KEY=VALUE."""

    def read(_context: Any, _option: Any, given: tuple[str, ...]) -> dict[str, str]:
        split = [each.partition("=") for each in given]
        wrong = [key for key, equals, _ in split if not key or not equals]
        if wrong:
            raise click.BadParameter(f"expected {text} as {metavar}, found {wrong[0]!r}")
        return {key: value for key, _, value in split}

    return read


def with_options(*groups: list[Any]) -> Decorator:
    """Decorate a command with every option of the groups, in their order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate
