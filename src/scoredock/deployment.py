"""What to serve, as options say it, and the plan that the pure stages make of it.

Nothing here knows an engine: a command that only renders starts without the libraries for one.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scoredock.context import check_base_context, find_code
from scoredock.dockerfile_images import image_names
from scoredock.edits import settle_edits
from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.formats.reading import Reading
from scoredock.network import NETWORK_FILE, NO_NETWORK, Network
from scoredock.packages import InstallerChoice
from scoredock.paths import state
from scoredock.render import ScoringCode, render
from scoredock.resolve import ResolvedEnvironment, resolve
from scoredock.templates import OUTPUTS, load_templates

Report = Callable[[str], None]
_CERTIFICATE = "--tls-certificate-file"
_SECRET_FILES = ("ca_file", "pip_config", "key_file", "tls_certificate_file", "tls_key_file")
# The arguments of the Dockerfile that name images.
IMAGE_ARGUMENTS = ("BASE_IMAGE", "BUILD_IMAGE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What to serve and how, as set in .env or with options; relative paths start at the cwd."""

    spec: Path
    source: Path
    entry_script: str
    models: Path
    source_name: str = ""
    templates: Path | None = None
    installer: InstallerChoice = "auto"
    keep: tuple[str, ...] = ()
    image: str = ""
    base_image: str = ""
    build_image: str = ""
    ca_file: Path | None = None
    pip_config: Path | None = None
    network: Network = NO_NETWORK
    network_file: Path | None = None
    key_file: Path | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    bind: str = "127.0.0.1"
    port: int = 6789
    worker_count: int | None = None
    worker_timeout: int | None = None
    start_period: str = "120s"
    debug: bool = False
    debug_port: int = 5678
    debug_wait: bool = False
    """Whether the script is loaded once a debugger has come."""
    watch: bool = False
    """Whether what is edited is loaded anew."""
    as_is: bool = False
    force: bool = False
    notes: tuple[str, ...] = ()
    """What was chosen for it where nothing was asked for."""
    reading: Reading | None = None
    """What was read of the spec already."""

    @property
    def scheme(self) -> str:
        """What the service's URL begins with."""
        return "https" if self.tls_certificate_file else "http"

    @property
    def folder(self) -> Path:
        """Where the spec lies, and what is rendered beside it."""
        return self.spec if self.spec.is_dir() else self.spec.parent


def deployment(*, models: Path | None, network: Path | None = None, **values: Any) -> Deployment:
    """Return what the options say, with `models` beside the source where it is not set.

    For a command that builds, with what reach() adds. Raises SpecError for a secret's file that is
    not there, and for options that exclude each other, or need one another.
    """
    wanted = not_reaching(models=models, network=network, **values)
    return reach(wanted) if "pip_config" in values else wanted


def not_reaching(*, models: Path | None, network: Path | None = None, **values: Any) -> Deployment:
    """Return what the options say and no more: enough to tell what is to be built, fast."""
    if values.get("as_is") and values.get("force"):
        raise SpecError("expected --as-is or --force, found both", path="--force")
    if values.get("debug_wait") and not values.get("debug"):
        raise SpecError("expected --debug with it, found none", path="--debug-wait")
    models = models or values["source"] / "models"
    if bool(values.get("tls_certificate_file")) != bool(values.get("tls_key_file")):
        missing = "--tls-key-file" if values.get("tls_certificate_file") else _CERTIFICATE
        raise SpecError("expected the certificate's file and its key's, found one", path=missing)
    for name in _SECRET_FILES:
        path = values.get(name)
        if path is not None and (path.is_dir() or not path.exists()):
            raise SpecError("no such file", path=str(path), hint=f"set {name.upper()}")
    return Deployment(models=models, network_file=network, **values)


def reach(plain: Deployment) -> Deployment:
    """Return what a build needs besides: the network settings and what the machine is set to."""
    from scoredock.reach import find_reach  # only a build is worth its time

    beside = plain.folder / NETWORK_FILE
    notes: tuple[str, ...] = ()
    network = plain.network_file
    if network is None and beside.is_file():
        network, notes = beside, (f"network settings: {beside}",)
    if network and plain.entry_script:  # without one the source goes into no image
        _refuse_inside(plain.source, network, "the source folder")
    found = find_reach(network, ca_file=plain.ca_file, pip_config=plain.pip_config)
    return replace(
        plain,
        network=found.network,
        network_file=network,
        ca_file=found.ca_file,
        pip_config=found.pip_config,
        notes=notes + found.notes,
    )


def _refuse_inside(folder: Path, network_file: Path, name: str) -> None:
    """Raise SpecError where the network settings lie in a folder that goes into the image."""
    if network_file.resolve().is_relative_to(folder.resolve()):
        raise SpecError(
            f"lies in {name}, which goes into the image",
            path=str(network_file),
            hint="move it to another folder, and name it with --network: it may hold credentials",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the pure stages made of the deployment."""

    env: ResolvedEnvironment
    code: ScoringCode
    rendered: Mapping[str, str]
    base_context: Path | None = None
    """The folder that the spec's own Dockerfile takes files from, if it takes any."""


def plan(deployment: Deployment, *, warn: Report, note: Report) -> Plan:
    """Parse, resolve and render; `warn` gets what may be a mistake, `note` what was chosen."""
    seconds(deployment.start_period)
    reading = deployment.reading or read(deployment.spec)
    env, notes = resolve(reading.spec, keep=deployment.keep, installer=deployment.installer)
    place = reading.spec.where("docker.baseDockerfile")
    check_base_context(reading.build_context, env.base_files, place=place)
    for line in reading.warnings:
        warn(line)
    for line in (*deployment.notes, *notes):
        note(line)
    if deployment.base_image and not env.base_argument:
        note(
            f"--base-image (BASE_IMAGE) {deployment.base_image} has no effect: {place} says what "
            "the image starts from; write FROM ${BASE_IMAGE} there to leave it open"
        )
    code = find_code(deployment.source, deployment.entry_script, name=deployment.source_name)
    templates = load_templates(deployment.templates)
    rendered = render(env, code, templates, files=reading.file_names)
    if deployment.templates:
        from scoredock.blocks import outdated_overrides  # for overrides alone

        for line in outdated_overrides(templates):
            warn(line)
    base_context = reading.build_context if env.base_files else None
    if base_context and deployment.network_file:
        name = "the folder that the spec's own Dockerfile copies from"
        _refuse_inside(base_context, deployment.network_file, name)
    return Plan(env=env, code=code, rendered=rendered, base_context=base_context)


def with_edits(
    deployment: Deployment,
    planned: Plan,
    *,
    context: Path | None,
    names: Collection[str] = tuple(OUTPUTS.values()),
    warn: Report,
    note: Report,
) -> Plan:
    """Return the plan with what a person has edited in its rendered files; see edits.py.

    `context` is the folder that a build context is written to, if one is; `names` are the files
    that are used.
    """
    settled = settle_edits(
        {name: planned.rendered[name] for name in names},
        beside=deployment.folder,
        context=context,
        as_is=deployment.as_is,
        force=deployment.force,
        warn=warn,
        note=note,
    )
    return replace(planned, rendered={**planned.rendered, **settled})


def start_images(deployment: Deployment, planned: Plan) -> dict[str, str]:
    """Return the images that the build takes from elsewhere.

    By build argument, or by its own name where the spec's own Dockerfile has it.
    """
    env = planned.env
    named = image_names(env.base_dockerfile) if env.base_stage else ()
    images = {name: name for name in named if "$" not in name}
    if env.base_argument:
        images["BASE_IMAGE"] = deployment.base_image or env.base_image
    if env.build_image:
        images["BUILD_IMAGE"] = deployment.build_image or env.build_image
    return images


def context_folder(code: ScoringCode) -> Path:
    """Return where the build context of a service is written."""
    return state("context", code.source_name)


def seconds(duration: str) -> float:
    """Return the seconds of a compose duration such as `90s`, `2m` or `1m30s`."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", duration.strip())
    if not duration.strip() or parts is None:
        raise SpecError(
            f"expected a duration as in 90s or 2m, found {duration!r}", path="START_PERIOD"
        )
    hours, minutes, rest = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + rest
