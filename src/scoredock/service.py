"""Deploy: take one set of options from the spec to a service that answers, in either runtime."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scoredock import compose, process
from scoredock.context import check_models, find_code, write_context
from scoredock.engine import connect, engine_errors, find_service, holds_port
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
class Options:
    """What a person sets in .env or with options, all paths absolute or relative to the cwd."""

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
    worker_count: int = 1
    worker_timeout: int = 300
    start_period: str = "120s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the pure stages made of the options."""

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


def plan(options: Options, *, warn: Report, note: Report) -> Plan:
    """Parse, resolve and render; `warn` gets what may be a mistake, `note` what was chosen."""
    seconds(options.start_period)
    spec, warnings = read_spec(options.spec)
    env, notes = resolve(spec, keep=options.keep)
    for line in warnings:
        warn(line)
    for line in notes:
        note(line)
    code = find_code(options.source, options.entry_script, name=options.source_name)
    rendered = render(env, code, load_templates(options.templates))
    return Plan(env=env, code=code, rendered=rendered)


def image_name(options: Options, code: ScoringCode) -> str:
    """Return the image's name: as set, or made from the source folder's name."""
    name = re.sub(r"[^a-z0-9]+", "-", code.source_name.lower()).strip("-")
    return options.image or f"scoredock/{name or 'service'}:latest"


def build_image(options: Options, planned: Plan, *, report: Report, verbose: bool = False) -> str:
    """Write the build context, build it and return the image's name."""
    connect()
    context = write_context(
        state("context", planned.code.source_name),
        planned.rendered,
        options.source,
        leave_out=options.models,
    )
    image = image_name(options, planned.code)
    secrets = {"ca_file": options.ca_file, "pip_config": options.pip_config}
    command = build_command(
        context,
        tag=image,
        build_args={"BASE_IMAGE": options.base_image} if options.base_image else {},
        secrets={name: path for name, path in secrets.items() if path},
    )
    report(f"building {image} from {context}")
    build(command, report=report, verbose=verbose)
    return image


def up_docker(options: Options, planned: Plan, *, report: Report, verbose: bool = False) -> Service:
    """Build the image, start the compose stack and return once the container is healthy.

    A service that cannot be started is stopped again, and so is one at Ctrl-C.
    """
    check_models(options.models)
    client = connect()
    if not holds_port(client, options.port):
        _stop_own_process(options.port, report)
        check_port(options.bind, options.port)
    image = build_image(options, planned, report=report, verbose=verbose)
    variables = compose_variables(options, planned.code, image)
    report("starting the stack")
    try:
        compose.run_compose(compose.compose_command("up", "--detach", "--no-build"), variables)
        compose.wait_until_healthy(client, timeout=seconds(options.start_period) + 30)
    except BaseException:
        compose.abandon(variables, report=report)
        raise
    return Service(runtime="docker", bind=options.bind, port=options.port, what=f"image {image}")


def compose_variables(options: Options, code: ScoringCode, image: str) -> dict[str, str]:
    """Return the variables of compose.yaml."""
    return {
        "IMAGE": image,
        "SOURCE_DIR": str(options.source.resolve()),
        "SOURCE_NAME": code.source_name,
        "ENTRY_SCRIPT": code.entry_script,
        "MODELS_DIR": str(options.models.resolve()),
        "BIND": options.bind,
        "PORT": str(options.port),
        "WORKER_COUNT": str(options.worker_count),
        "WORKER_TIMEOUT": str(options.worker_timeout),
        "START_PERIOD": options.start_period,
        "CA_FILE": str(options.ca_file.resolve()) if options.ca_file else "/dev/null",
        "PIP_CONFIG": str(options.pip_config.resolve()) if options.pip_config else "/dev/null",
    }


def up_process(options: Options, planned: Plan, *, report: Report) -> Service:
    """Make the virtual environment, start the server in the background, return once it answers."""
    check_models(options.models)
    _stop_own_process(options.port, report)
    _refuse_beside_container(options.port)
    check_port(options.bind, options.port)
    prefix = process.prepare(
        planned.env,
        planned.rendered["conda_dependencies.yml"],
        report=report,
        ca_file=options.ca_file,
        pip_config=options.pip_config,
    )
    variables = process.service_variables(
        planned.code, planned.env, prefix, bind=options.bind, port=options.port
    )
    report("starting the server")
    started = process.start(
        variables
        | {
            "WORKER_COUNT": str(options.worker_count),
            "WORKER_TIMEOUT": str(options.worker_timeout),
        },
        code=planned.code,
        source=options.source,
        models=options.models,
        bind=options.bind,
        port=options.port,
        timeout=seconds(options.start_period),
    )
    return Service(
        runtime="process", bind=options.bind, port=options.port, what=f"pid {started.pid}"
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


def running_runtime() -> str:
    """Return the runtime in which this project serves now; raises ScoredockError for none."""
    if process.running():
        return "process"
    try:
        if find_service(connect()):
            return "docker"
    except EngineError:
        pass
    raise ScoredockError("no service runs here", hint="start one with scripts/up")
