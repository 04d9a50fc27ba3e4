"""The commands. Only this module prints and knows exit codes."""

import difflib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from scoredock import process, service
from scoredock.client import post_score
from scoredock.context import write_context, write_rendered
from scoredock.doctor import examine
from scoredock.engine import connect, find_service
from scoredock.errors import EngineError, ScoredockError, SpecError
from scoredock.options import (
    BASE_IMAGE,
    FOLDER,
    IMAGE,
    LISTEN,
    SERVICE,
    SPEC,
    option,
    with_options,
)
from scoredock.port import reachable_host
from scoredock.service import Deployment
from scoredock.settings import load_dotenv
from scoredock.spec import GENERATED

_console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_EPILOG = """\b
Exit status: 0 done, 1 a request or a check failed, 2 the spec or an option is wrong,
3 a template is wrong, 4 docker or the service failed, 130 Ctrl-C.
Every option with a variable beside it can be set in .env: see .env.example."""


def main() -> None:
    """Run one command and exit with its status."""
    try:
        for line in load_dotenv(_variables()):
            _warn(line)
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        print(f"error: {error.format_message()}", file=sys.stderr)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            print(f" hint: {error.ctx.command_path} --help", file=sys.stderr)
        sys.exit(error.exit_code)
    except ScoredockError as error:
        _print_error(error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _variables() -> set[str]:
    """Return every variable that .env may set."""
    options = (option for command in cli.commands.values() for option in command.params)
    return {str(option.envvar) for option in options if option.envvar}


def _print_error(error: ScoredockError) -> None:
    for line in error.warnings if isinstance(error, SpecError) else ():
        _warn(line)
    if isinstance(error, EngineError):
        for line in error.log:
            print(f"  | {line}", file=sys.stderr)
        if error.command:
            print(f"   ran: {' '.join(error.command)}", file=sys.stderr)
    print(f"error: {error}", file=sys.stderr)
    if error.hint:
        print(f" hint: {error.hint}", file=sys.stderr)


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)


def _note(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[str], None]]:
    """Give a function that prints a line of progress; on a terminal something keeps moving."""
    with _console.status(doing):
        yield lambda line: _console.print(f"==> {line}", markup=False)


def _deployment(**values: Any) -> Deployment:
    values["models"] = values["models"] or values["source"] / "models"
    for name in ("ca_file", "pip_config"):
        path = values.get(name)
        if path is not None and not path.is_file():
            raise SpecError("no such file", path=str(path), hint=f"set {name.upper()}")
    return Deployment(**values)


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="scoredock")
def cli() -> None:
    """Serve a model trained for Azure Machine Learning on hardware you own.

    \b
    From azureml_environment.json, an entry script and a model folder to a scoring URL:
      scoredock up                      build the image and start the service
      scoredock score request.json      POST a request, print the answer
      scoredock logs --follow           what the service says
      scoredock down                    stop it
    """


@cli.command()
@with_options(SPEC)
@click.option("--output", type=FOLDER, help="Write a whole build context into this folder.")
@click.option("--check", is_flag=True, help="Write nothing; fail where the files differ.")
def render(output: Path | None, check: bool, **values: Any) -> None:
    """Render the Dockerfile and conda_dependencies.yml from the spec.

    Without --output they are written beside the spec. With it the folder gets everything that
    `docker build` needs, and can be carried to another machine.
    """
    deployment = _deployment(**values)
    planned = service.plan(deployment, warn=_warn, note=_note)
    if output is not None and not check:
        print(
            write_context(output, planned.rendered, deployment.source, leave_out=deployment.models)
        )
        return
    folder = output or deployment.spec
    for path in (folder / name for name in planned.rendered):
        if path.is_file() and not path.read_bytes().startswith(GENERATED.encode()):
            raise SpecError(
                "scoredock did not write this file and would overwrite it",
                path=str(path),
                hint="name another folder with --output",
            )
    if check:
        _check_rendered(planned.rendered, folder)
        return
    write_rendered(planned.rendered, folder)
    for name in planned.rendered:
        print(folder / name)


def _check_rendered(rendered: Mapping[str, str], folder: Path) -> None:
    stale = []
    for name, text in rendered.items():
        path = folder / name
        old = path.read_text("utf-8") if path.is_file() else ""
        if old != text:
            stale.append(name)
            lines = difflib.unified_diff(
                old.splitlines(), text.splitlines(), str(path), "a fresh render", lineterm=""
            )
            print("\n".join(lines))
    if stale:
        raise ScoredockError(
            f"{' and '.join(stale)} in {folder} differ from a fresh render",
            hint="run scripts/render and commit what it writes",
        )


@cli.command()
@with_options(SPEC, IMAGE)
def build(verbose: bool, **values: Any) -> None:
    """Build the image: render, write the build context, run BuildKit. Prints the image's name."""
    deployment = _deployment(**values)
    planned = service.plan(deployment, warn=_warn, note=_note)
    with _progress("building") as report:
        print(service.build_image(deployment, planned, report=report, verbose=verbose))


@cli.command()
@with_options(SPEC, IMAGE, SERVICE)
@option("--runtime", envvar="RUNTIME", type=click.Choice(["auto", "docker", "process"]),
         default="auto", help="auto: docker where an engine answers, else process.")  # fmt: skip
def up(verbose: bool, runtime: str, **values: Any) -> None:
    """Build, start the service and return once it answers. Prints the scoring URL.

    With Docker: the stack of compose.yaml. Without: the same server in a virtual environment on
    this machine. A second call takes over what changed.
    """
    deployment = _deployment(**values)
    planned = service.plan(deployment, warn=_warn, note=_note)
    runtime = _choose_runtime(runtime)
    with _progress("working") as report:
        if runtime == "docker":
            started = service.up_docker(deployment, planned, report=report, verbose=verbose)
        else:
            started = service.up_process(deployment, planned, report=report)
    _console.print(f"==> serving in the {started.runtime} runtime: {started.what}", markup=False)
    print(started.scoring_uri, flush=True)


def _choose_runtime(runtime: str) -> str:
    if runtime != "auto":
        return runtime
    try:
        connect()
    except EngineError as error:
        _note(
            f"{error}: serving in the process runtime, without Docker "
            "(scoredock doctor tells what to do about it)"
        )
        return "process"
    return "docker"


@cli.command()
@click.argument("file", type=click.File("rb"))
@with_options(LISTEN)
@click.option("--url", help="Scoring URL, in place of this machine's.")
def score(file: Any, bind: str, port: int, url: str | None) -> None:
    """POST FILE (- for standard input) to the service and print what it answers."""
    print(post_score(url or f"http://{reachable_host(bind)}:{port}/score", file.read()))


@cli.command()
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--tail", type=click.IntRange(0), help="Only the last N lines.", metavar="N")
def logs(follow: bool, tail: int | None) -> None:
    """Print what the service has logged."""
    runtime = service.running_runtime()
    if runtime is None and process.log_file().is_file():
        _warn("no service runs here; this is the log of the last one in the process runtime")
        runtime = "process"
    if runtime == "process":
        command = ["tail", "-n", str(tail) if tail is not None else "+1", str(process.log_file())]
        os.execvp("tail", command[:1] + ["-f"] * follow + command[1:])  # noqa: S606
    # A service may say nothing for days.
    container = runtime and find_service(connect(timeout=10**7 if follow else 10))
    if not container:
        raise ScoredockError("no service runs here", hint="start one with scripts/up")
    for chunk in container.logs(
        stream=True, follow=follow, tail=tail if tail is not None else "all"
    ):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


@cli.command()
def down() -> None:
    """Stop the service, in whichever runtime it runs. Images and environments are kept."""
    with _progress("stopping"):
        stopped = service.down()
    print("\n".join(f"stopped {what}" for what in stopped) or "nothing was running")


@cli.command()
@with_options(SPEC, [BASE_IMAGE], LISTEN)
def doctor(base_image: str, bind: str, port: int, **values: Any) -> None:
    """Tell what this machine has and lacks for serving, with the remedy for each lack."""
    planned = service.plan(_deployment(**values), warn=_warn, note=lambda _: None)
    lacking = 0
    for finding in examine(
        base_image=base_image or planned.env.base_image,
        bind=bind,
        port=port,
        python_version=planned.env.python_version,
    ):
        lacking += not finding.ok
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:<16} {finding.found}")
        if finding.remedy:
            print(f"{'':<23}{finding.remedy}")
    if lacking:
        raise ScoredockError(f"{lacking} of these need attention for the docker runtime")
