"""Deploy: from the spec to a service that answers, in either runtime."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scoredock import compose, development, process, virtualenv
from scoredock.context import check_models, write_context
from scoredock.deployment import (
    IMAGE_ARGUMENTS,
    Deployment,
    Plan,
    Report,
    context_folder,
    start_images,
)
from scoredock.engine import connect, engine_errors, find_service, holds_port, require_command
from scoredock.errors import EngineError, ScoredockError
from scoredock.image import build, build_command
from scoredock.lock import LOCKED, Lock
from scoredock.port import check_port, local_name
from scoredock.reach import authorities_file, secret_variable
from scoredock.render import ScoringCode
from scoredock.resolve import ResolvedEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A deployment that answers."""

    runtime: str
    bind: str
    port: int
    what: str
    scheme: str = "http"

    @property
    def scoring_uri(self) -> str:
        """Where to POST, on this machine."""
        return f"{self.scheme}://{local_name(self.bind)}:{self.port}/score"


def image_name(deployment: Deployment, code: ScoringCode) -> str:
    """Return the image's name: as set, or made from the source folder's name."""
    name = re.sub(r"[^a-z0-9]+", "-", code.source_name.lower()).strip("-")
    return deployment.image or f"scoredock/{name or 'service'}:latest"


def build_image(
    deployment: Deployment,
    planned: Plan,
    *,
    report: Report,
    verbose: bool = False,
    lock: Lock | None = None,
) -> str:
    """Write the build context, build it and return the image's name.

    With `lock` exactly what that names is installed; see locking.py for one that is to be trusted.
    """
    image = image_name(deployment, planned.code)
    run_build(deployment, planned, tag=image, lock=lock, report=report, verbose=verbose)
    return image


def run_build(
    deployment: Deployment,
    planned: Plan,
    *,
    tag: str,
    report: Report,
    verbose: bool = False,
    lock: Lock | None = None,
    images: Mapping[str, str] | None = None,
    build_args: Mapping[str, str] | None = None,
    folder: Path | None = None,
    options: Sequence[str] = ("--load",),
) -> None:
    """Write the build context and build it; `options` say what becomes of the result.

    `images` are what to take for each of `start_images`; a lock has its own. `folder` is where the
    context is written, in place of the service's own.
    """
    require_command()
    connect()
    context = write_context(
        folder or context_folder(planned.code),
        {**planned.rendered, LOCKED: lock.packages} if lock else planned.rendered,
        deployment.source,
        leave_out=deployment.models,
        base_context=planned.base_context,
    )
    if lock:
        images = {name: image.reference for name, image in lock.images.items()}
    starts = {**start_images(deployment, planned), **(images or {})}
    asked = images or {"BASE_IMAGE": deployment.base_image, "BUILD_IMAGE": deployment.build_image}
    # A build argument that nothing reads is a warning.
    given = {name: asked[name] for name in IMAGE_ARGUMENTS if name in starts and asked.get(name)}
    network = deployment.network
    proxies = network.proxy_arguments()
    replaced = network.image_contexts(
        {image if name in IMAGE_ARGUMENTS else name: image for name, image in starts.items()}
    )
    report(f"building {tag} from {context}")
    with authorities_file(deployment.ca_file, network.ca) as ca_file:
        secrets = {"ca_file": ca_file, "pip_config": deployment.pip_config}
        hidden = network.secrets(authorities=ca_file is not None)
        variables = {secret_variable(name): text for name, text in hidden.items()}
        command = build_command(
            context,
            tag=tag,
            build_args={**given, **(build_args or {})},
            secrets={name: path for name, path in secrets.items() if path},
            hidden={name: secret_variable(name) for name in hidden},
            proxies=list(proxies),
            contexts=dict(planned.env.channel_folders) | replaced,
            platform=lock.platform if lock else planned.env.platform,
            # The provenance that BuildKit adds would name the mirror.
            options=[*options, "--provenance=false"] if replaced else options,
        )
        build(command, report=report, verbose=verbose, variables=proxies | variables,
              network=network)  # fmt: skip


def up_docker(
    deployment: Deployment,
    planned: Plan,
    *,
    report: Report,
    verbose: bool = False,
    lock: Lock | None = None,
) -> Service:
    """Build the image, start the compose stack and return once the container is healthy.

    With `lock` exactly what that names is installed. A service that cannot be started is stopped
    again, and so is one at Ctrl-C.
    """
    check_models(deployment.models)
    require_command()
    client = connect()
    if not holds_port(client, deployment.port, find_service(client)):
        _stop_own_process(deployment.port, report)
        check_port(deployment.bind, deployment.port)
    image = build_image(deployment, planned, report=report, verbose=verbose, lock=lock)
    variables = compose_variables(deployment, planned.code, image)
    variables |= development.overlay_variables(deployment, client, image, report=report)
    overlays = development.overlays(deployment)
    report("starting the stack")
    try:
        compose.run_compose(
            compose.compose_command("up", "--detach", "--no-build", overlays=overlays), variables
        )
        with development.announcing(deployment, development.log_of_container, report):
            compose.wait_until_healthy(
                client, lambda: find_service(client), timeout=development.patience(deployment) + 30
            )
    except BaseException:
        compose.abandon(variables, report=report)
        raise
    return Service(
        runtime="docker",
        bind=deployment.bind,
        port=deployment.port,
        what=f"image {image}",
        scheme=deployment.scheme,
    )


def compose_variables(deployment: Deployment, code: ScoringCode, image: str) -> dict[str, str]:
    """Return the variables of compose.yaml."""
    return {
        "IMAGE": image,
        "SOURCE_DIR": str(deployment.source.resolve()),
        "SOURCE_NAME": code.source_name,
        "ENTRY_SCRIPT": code.entry_script,
        "MODELS_DIR": str(deployment.models.resolve()),
        "BIND": deployment.bind,
        "PORT": str(deployment.port),
        "START_PERIOD": deployment.start_period,
        "SERVICE_FILE": str(context_folder(code) / "compose.service.yaml"),
        "CA_FILE": _path_or_nothing(deployment.ca_file),
        "PIP_CONFIG": _path_or_nothing(deployment.pip_config),
        **{"WORKER_COUNT": "", "WORKER_TIMEOUT": "", **worker_variables(deployment)},
    }


def _path_or_nothing(path: Path | None) -> str:
    return str(path.resolve()) if path else "/dev/null"


def worker_variables(deployment: Deployment) -> dict[str, str]:
    """Return what was set of the workers; the spec's own variables hold for the rest."""
    workers = {
        "WORKER_COUNT": deployment.worker_count,
        "WORKER_TIMEOUT": deployment.worker_timeout,
    }
    return {name: str(value) for name, value in workers.items() if value is not None}


def up_process(
    deployment: Deployment, planned: Plan, *, report: Report, lock: Lock | None = None
) -> Service:
    """Make the virtual environment, start the server in the background, return once it answers.

    With `lock` exactly what that names is installed.
    """
    check_models(deployment.models)
    for what in only_in_containers(planned.env):
        report(f"without a container {what} has no effect")
    _stop_own_process(deployment.port, report)
    _refuse_beside_container(deployment.port)
    check_port(deployment.bind, deployment.port)
    prefix = virtualenv.prepare_planned(
        deployment, planned, report=report, locked=lock.packages if lock else ""
    )
    variables = process.service_variables(
        planned.code, planned.env, prefix, bind=deployment.bind, port=deployment.port
    )
    variables |= development.process_variables(deployment, prefix, report=report)
    report("starting the server")
    with development.announcing(deployment, development.log_of_process, report):
        started = process.start(
            variables | worker_variables(deployment),
            code=planned.code,
            source=deployment.source,
            models=deployment.models,
            bind=deployment.bind,
            port=deployment.port,
            timeout=development.patience(deployment),
            scheme=deployment.scheme,
        )
    return Service(
        runtime="process",
        bind=deployment.bind,
        port=deployment.port,
        what=f"pid {started.pid}",
        scheme=deployment.scheme,
    )


def only_in_containers(env: ResolvedEnvironment) -> list[str]:
    """Return what the spec asks for that only the docker runtime can do."""
    what = ["the spec's own Dockerfile"] if env.base_stage else []
    # The SDK writes a shmSize for every environment.
    return what + [f"{key} of the spec" for key in env.service_options if key != "shm_size"]


def _stop_own_process(port: int, report: Report) -> None:
    started = process.running()
    if started and started.port == port:
        report("stopping the service that runs without Docker")
        process.stop()


def _refuse_beside_container(port: int) -> None:
    try:
        client = connect()
    except EngineError:
        return
    if holds_port(client, port, find_service(client)):
        raise ScoredockError(
            f"port {port} is in use by this project's own container", hint="scoredock down stops it"
        )


def down() -> list[str]:
    """Stop whatever this project runs, in both runtimes; return what was stopped."""
    stopped = ["the service without Docker"] if process.stop() else []
    try:
        client = connect()
    except EngineError:
        return stopped
    with engine_errors("looking for the service"):
        found = find_service(client)
    if found:
        require_command()
        # Every variable has a default, so none is needed to take the stack down.
        compose.run_compose(compose.compose_command("down"), {})
        stopped.append(f"container {found.name}")
    return stopped


def running_runtime() -> Literal["docker", "process"] | None:
    """Return the runtime that has this project's service, running or (docker only) ended."""
    if process.running():
        return "process"
    try:
        return "docker" if find_service(connect()) else None
    except EngineError:
        return None
