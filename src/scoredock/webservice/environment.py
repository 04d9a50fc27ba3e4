"""What a service's server runs in: an image without code, or an environment on this machine.

Code and models are mounted, so that a service is updated without a build, and services with the
same environment share one image.
"""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from docker.errors import ImageNotFound

from scoredock import virtualenv
from scoredock.deployment import Deployment, Plan, Report, reach
from scoredock.engine import connect, engine_errors
from scoredock.formats import read
from scoredock.locking import kit_hash
from scoredock.network import NO_NETWORK
from scoredock.render import ScoringCode, render
from scoredock.resolve import ResolvedEnvironment, resolve
from scoredock.service import run_build
from scoredock.templates import load_templates
from scoredock.webservice.record import RuntimeName

# What the image calls the folder that a service's code is mounted over; it is empty there.
_NO_CODE = ScoringCode(source_name="code", entry_script="score.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeEnvironment:
    """An environment that is there; `place` is the image's name, or the folder."""

    place: str
    env: ResolvedEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who is told what while something takes its time; `verbose`: all that a build says too."""

    warn: Report
    note: Report
    report: Report
    verbose: bool = False


def make_environment(wanted: Deployment, runtime: RuntimeName, told: Told) -> MadeEnvironment:
    """Return the environment of `wanted.spec`, made where it is not there yet.

    Of `wanted` only the spec and what a build needs is used. Raises SpecError and EngineError.
    """
    planned = plan_environment(wanted, warn=told.warn, note=told.note)
    env = planned.env
    if runtime == "docker":
        image = image_name(wanted, planned)
        if not has_image(image):
            _build(_reaching(wanted, told), planned, image, told)
        return MadeEnvironment(place=image, env=env)
    wanted = _reaching(wanted, told)
    prefix = virtualenv.prepare(
        env,
        planned.rendered["conda_dependencies.yml"],
        report=told.report,
        ca_file=wanted.ca_file,
        pip_config=wanted.pip_config,
        network=wanted.network.secret() if wanted.network != NO_NETWORK else "",
    )
    return MadeEnvironment(place=str(prefix), env=env)


def plan_environment(
    wanted: Deployment, *, warn: Report, note: Report, code: ScoringCode = _NO_CODE
) -> Plan:
    """Return what the environment of `wanted.spec` is, for `code`, which the image has or not."""
    reading = wanted.reading or read(wanted.spec)
    env, notes = resolve(reading.spec, keep=wanted.keep, installer=wanted.installer)
    for line in reading.warnings:
        warn(line)
    for line in notes:
        note(line)
    rendered = render(env, code, load_templates(wanted.templates))
    base_context = reading.build_context if env.base_files else None
    return Plan(env=env, code=code, rendered=rendered, base_context=base_context)


def image_name(wanted: Deployment, planned: Plan) -> str:
    """Return the name of the environment's image, which tells what it is made from."""
    made_from = [
        kit_hash(), wanted.base_image, wanted.build_image,
        *(text for _, text in sorted(planned.rendered.items())),
        *_contents(planned),
    ]  # fmt: skip
    key = hashlib.sha256("\0".join(made_from).encode()).hexdigest()[:16]
    return f"scoredock/environment:{key}"


def has_image(image: str) -> bool:
    """Tell whether the engine has the image."""
    with engine_errors("looking for the image"):
        try:
            connect().images.get(image)
        except ImageNotFound:
            return False
    return True


def _reaching(wanted: Deployment, told: Told) -> Deployment:
    reaching = reach(wanted)
    for line in reaching.notes:
        told.note(line)
    return reaching


def _build(wanted: Deployment, planned: Plan, image: str, told: Told) -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "code")
        empty.mkdir()
        run_build(
            replace(wanted, source=empty, models=empty / "models"),
            planned,
            tag=image,
            report=told.report,
            verbose=told.verbose,
            folder=Path(folder, "context"),
        )


def _contents(planned: Plan) -> list[str]:
    """Return the hashes of the files that the spec's own Dockerfile takes."""
    if planned.base_context is None:
        return []
    files = sorted(path for path in planned.base_context.rglob("*") if path.is_file())
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
