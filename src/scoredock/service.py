"""Deploy: from the spec to a service that answers, in either runtime."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scoredock import compose, process, virtualenv
from scoredock.context import check_models, find_code, write_context
from scoredock.engine import connect, engine_errors, find_service, holds_port, require_command
from scoredock.errors import EngineError, ScoredockError, SpecError
from scoredock.image import build, build_command
from scoredock.paths import state
from scoredock.port import check_port, reachable_host
from scoredock.render import ScoringCode, render
from scoredock.resolve import ResolvedEnvironment, resolve
from scoredock.spec import read_spec
from scoredock.templates import load_templates

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What to serve and how, as set in .env or with options; relative paths start at the cwd."""

    spec: Path
    source: Path
    entry_script: str
    models: Path
    source_name: str = ""
    templates: Path | None = None
    keep: tuple[str, ...] = ()
    image: str = ""
    base_image: str = ""
    ca_file: Path | None = None
    pip_config: Path | None = None
    bind: str = "127.0.0.1"
    port: int = 6789
    worker_count: int | None = None
    worker_timeout: int | None = None
    start_period: str = "120s"


def deployment(*, models: Path | None, **values: Any) -> Deployment:
    """Return what the options say, with `models` beside the source where it is not set.

    Raises SpecError for a secret's file that is not there.
    """
    for name in ("ca_file", "pip_config"):
        path = values.get(name)
        if path is not None and not path.is_file():
            raise SpecError("no such file", path=str(path), hint=f"set {name.upper()}")
    return Deployment(models=models or values["source"] / "models", **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the pure stages made of the deployment."""

    env: ResolvedEnvironment
    code: ScoringCode
    rendered: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A deployment that answers."""

    runtime: str
    bind: str
    port: int
    what: str

    @property
    def scoring_uri(self) -> str:
        """Where to POST, on this machine."""
        host = reachable_host(self.bind)
        return f"http://{'localhost' if host == '127.0.0.1' else host}:{self.port}/score"


def plan(deployment: Deployment, *, warn: Report, note: Report) -> Plan:
    """Parse, resolve and render; `warn` gets what may be a mistake, `note` what was chosen."""
    seconds(deployment.start_period)
    spec, warnings = read_spec(deployment.spec)
    env, notes = resolve(spec, keep=deployment.keep)
    for line in warnings:
        warn(line)
    for line in notes:
        note(line)
    code = find_code(deployment.source, deployment.entry_script, name=deployment.source_name)
    rendered = render(env, code, load_templates(deployment.templates))
    return Plan(env=env, code=code, rendered=rendered)


def image_name(deployment: Deployment, code: ScoringCode) -> str:
    """Return the image's name: as set, or made from the source folder's name."""
    name = re.sub(r"[^a-z0-9]+", "-", code.source_name.lower()).strip("-")
    return deployment.image or f"scoredock/{name or 'service'}:latest"


def build_image(
    deployment: Deployment, planned: Plan, *, report: Report, verbose: bool = False
) -> str:
    """Write the build context, build it and return the image's name."""
    require_command()
    connect()
    context = write_context(
        state("context", planned.code.source_name),
        planned.rendered,
        deployment.source,
        leave_out=deployment.models,
    )
    image = image_name(deployment, planned.code)
    secrets = {"ca_file": deployment.ca_file, "pip_config": deployment.pip_config}
    command = build_command(
        context,
        tag=image,
        build_args={"BASE_IMAGE": deployment.base_image} if deployment.base_image else {},
        secrets={name: path for name, path in secrets.items() if path},
    )
    report(f"building {image} from {context}")
    build(command, report=report, verbose=verbose)
    return image


def up_docker(
    deployment: Deployment, planned: Plan, *, report: Report, verbose: bool = False
) -> Service:
    """Build the image, start the compose stack and return once the container is healthy.

    A service that cannot be started is stopped again, and so is one at Ctrl-C.
    """
    check_models(deployment.models)
    require_command()
    client = connect()
    if not holds_port(client, deployment.port):
        _stop_own_process(deployment.port, report)
        check_port(deployment.bind, deployment.port)
    image = build_image(deployment, planned, report=report, verbose=verbose)
    variables = compose_variables(deployment, planned.code, image)
    report("starting the stack")
    try:
        compose.run_compose(compose.compose_command("up", "--detach", "--no-build"), variables)
        compose.wait_until_healthy(client, timeout=seconds(deployment.start_period) + 30)
    except BaseException:
        compose.abandon(variables, report=report)
        raise
    return Service(
        runtime="docker", bind=deployment.bind, port=deployment.port, what=f"image {image}"
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


def up_process(deployment: Deployment, planned: Plan, *, report: Report) -> Service:
    """Make the virtual environment, start the server in the background, return once it answers."""
    check_models(deployment.models)
    _stop_own_process(deployment.port, report)
    _refuse_beside_container(deployment.port)
    check_port(deployment.bind, deployment.port)
    prefix = virtualenv.prepare(
        planned.env,
        planned.rendered["conda_dependencies.yml"],
        report=report,
        ca_file=deployment.ca_file,
        pip_config=deployment.pip_config,
    )
    variables = process.service_variables(
        planned.code, planned.env, prefix, bind=deployment.bind, port=deployment.port
    )
    report("starting the server")
    started = process.start(
        variables | worker_variables(deployment),
        code=planned.code,
        source=deployment.source,
        models=deployment.models,
        bind=deployment.bind,
        port=deployment.port,
        timeout=seconds(deployment.start_period),
    )
    return Service(
        runtime="process", bind=deployment.bind, port=deployment.port, what=f"pid {started.pid}"
    )


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
    if holds_port(client, port):
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


def seconds(duration: str) -> float:
    """Return the seconds of a compose duration such as `90s`, `2m` or `1m30s`."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", duration.strip())
    if not duration.strip() or parts is None:
        raise SpecError(
            f"expected a duration as in 90s or 2m, found {duration!r}", path="START_PERIOD"
        )
    hours, minutes, rest = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + rest


def running_runtime() -> Literal["docker", "process"] | None:
    """Return the runtime that has this project's service, running or (docker only) ended."""
    if process.running():
        return "process"
    try:
        return "docker" if find_service(connect()) else None
    except EngineError:
        return None
