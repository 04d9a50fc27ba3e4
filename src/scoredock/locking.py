"""Make a lock, and read one that is to be built from: what lock.py says, asked of the engine.

The packages are found out where they will be installed: a build of the context itself, up to the
environment, in the same base image and with the same settings of the network. So the Python, the
platform and what that offers are the image's own, whatever this machine is.
"""

import hashlib
import json
import platform
import tempfile
from pathlib import Path
from uuid import uuid4

from docker import DockerClient
from docker.errors import APIError, DockerException
from requests import RequestException

from scoredock import __version__
from scoredock.deployment import Deployment, Plan, Report, start_images
from scoredock.dockerfile_images import fetches, image_names
from scoredock.engine import connect, engine_platform, image_id, require_command
from scoredock.errors import EngineError, LockError, SpecError
from scoredock.formats import read
from scoredock.header import short_hash, split_header
from scoredock.lock import (
    LOCK_FILE,
    LOCKED,
    Lock,
    LockedImage,
    MadeFrom,
    lock_text,
    moved,
    parse_lock,
    stale,
)
from scoredock.masking import masked
from scoredock.network_hints import image_hint
from scoredock.paths import CONTEXT
from scoredock.pip_packages import from_no_index, pip_lines
from scoredock.service import run_build
from scoredock.spec import CONDA_FILE, CondaDependencies

# How long a registry may take to tell a digest.
_SECONDS = 60
# As Docker calls processors.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_KIT_FILES = (".py", ".toml", ".sh")


def lock_file(deployment: Deployment) -> Path:
    """Return where the lock lies: beside the spec."""
    return deployment.folder / LOCK_FILE


def made_from(planned: Plan) -> MadeFrom:
    """Return what a lock of this plan, fresh and not edited by hand, is made from."""
    headers = [split_header(planned.rendered[name])[0] for name in ("Dockerfile", CONDA_FILE)]
    return MadeFrom(
        spec=planned.env.digest,
        template=" ".join(header.template for header in headers if header),
        kit=f"{__version__} {kit_hash()}",
    )


def kit_hash() -> str:
    """Return a hash of what the kit puts into an image."""
    digest = hashlib.sha256()
    for path in sorted(CONTEXT.rglob("*")):
        name = path.relative_to(CONTEXT)
        if path.suffix in _KIT_FILES and "__pycache__" not in name.parts:
            digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes())
    return short_hash(digest.hexdigest())


def not_locked(planned: Plan) -> list[str]:
    """Return a line for each thing in the spec's own Dockerfile that a lock does not hold."""
    text = planned.env.base_dockerfile
    lines = [
        f"the image {name} of the spec's own Dockerfile is not locked: the build alone can tell "
        "its name"
        for name in image_names(text)
        if "$" in name
    ]
    if fetches(text):
        lines.append("what RUN and ADD of the spec's own Dockerfile fetch is not locked")
    return lines


def refuse_unlockable(deployment: Deployment, planned: Plan) -> None:
    """Raise SpecError, with its place, for a package that comes from no index."""
    conda = read(deployment.spec).spec.python.conda_dependencies or CondaDependencies()
    installed = {each.requirement for each in planned.env.pip_packages if not each.replaced}
    for place, line in pip_lines(conda):
        if line in installed and from_no_index(line):
            raise SpecError(
                f"{masked(line)!r} cannot be locked: it comes from no package index",
                path=place,
                hint="put its wheel on an index and name it as NAME==VERSION; "
                "or build without a lock",
            )


def make_lock(
    deployment: Deployment, planned: Plan, *, report: Report, verbose: bool = False
) -> Lock:
    """Ask the registry for the images and the indexes for the packages.

    Raises SpecError for a package that comes from no index, EngineError for an image that nobody
    has and where the packages cannot be had together.
    """
    refuse_unlockable(deployment, planned)
    require_command()
    client = connect(timeout=_SECONDS)
    images = {
        name: _find_image(client, image, asked=deployment.network.mirrored(image))
        for name, image in start_images(deployment, planned).items()
    }
    for image in images.values():
        report(f"{image.name} is {image.digest[:19]}, says the {image.found_in}")
    with tempfile.TemporaryDirectory() as folder:
        run_build(
            deployment,
            planned,
            tag="scoredock-lock",
            images={name: image.reference for name, image in images.items()},
            build_args={"MODE": "lock", "ASKED": str(uuid4())},
            folder=Path(folder, "context"),
            options=["--target=lock", f"--output=type=local,dest={folder}/lock"],
            report=report,
            verbose=verbose,
        )
        packages = json.loads(Path(folder, "lock", LOCKED).read_text(encoding="utf-8"))
    return Lock(
        made_from=made_from(planned),
        platform=planned.env.platform or engine_platform(client),
        images=images,
        **packages,
    )


def write_lock(path: Path, lock: Lock) -> None:
    """Write the file: whole, or not at all. Raises SpecError where it cannot be written."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".lock-") as scratch:
            written = Path(scratch, path.name)
            written.write_text(lock_text(lock), encoding="utf-8", newline="\n")
            written.replace(path)
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", path=str(path)) from error


def find_moved(deployment: Deployment, planned: Plan) -> list[str]:
    """Return a line for each thing that has moved since the lock was made; asks nobody.

    Raises LockError where there is no lock.
    """
    return moved(
        _read(deployment),
        made_from=made_from(planned),
        images=start_images(deployment, planned),
        platform=planned.env.platform,
    )


def usable_lock(deployment: Deployment, planned: Plan) -> Lock:
    """Return the lock to build from.

    Raises LockError where there is none, where it is stale, and where an image that only this
    engine has is no longer the one that was locked.
    """
    if lines := find_moved(deployment, planned):
        raise stale(str(lock_file(deployment)), lines)
    lock = _read(deployment)
    client = connect()
    for name, image in lock.images.items():
        digest = image_id(client, image.name) if image.found_in == "engine" else image.digest
        if digest != image.digest:
            raise LockError(
                f"{lock_file(deployment)}: {name} {image.name} was locked as {image.digest}, "
                f"the engine has {digest or 'none'}",
                hint="docker load the image that was locked, or make the lock anew: scoredock lock",
            )
    return lock


def lock_for_process(deployment: Deployment, planned: Plan) -> Lock:
    """Return the lock to make an environment from without Docker; its images do not matter.

    Raises LockError where there is none, where it is stale, and where it is for another machine or
    relies on an image.
    """
    lock = _read(deployment)
    images = {name: image.name for name, image in lock.images.items()}
    if lines := moved(lock, made_from=made_from(planned), images=images, platform=""):
        raise stale(str(lock_file(deployment)), lines)
    machine = platform.machine()
    here = f"linux/{_ARCHITECTURES.get(machine, machine)}"
    wrong = ""
    if planned.env.installer == "none":
        wrong = "it names only what its base image lacks"
    elif lock.platform != here:
        wrong = f"it is for {lock.platform}, this machine is {here}"
    if wrong:
        raise LockError(
            f"{lock_file(deployment)}: cannot be used in the process runtime: {wrong}",
            hint="use --runtime docker, or leave out --locked",
        )
    return lock


def _read(deployment: Deployment) -> Lock:
    path = lock_file(deployment)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LockError(f"{path}: no such file", hint="scoredock lock makes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path}: cannot be read: {error}") from error
    return parse_lock(text, path=str(path))


def _find_image(client: DockerClient, name: str, *, asked: str) -> LockedImage:
    """Let the engine ask the registry, `asked` being its mirror's name there; else itself.

    The engine, because it pulls: so the same logins, authorities and proxy hold.
    """
    try:
        found = client.images.get_registry_data(asked)
        return LockedImage(name=name, digest=str(found.id), found_in="registry")
    except (DockerException, RequestException) as error:
        said = (error.explanation if isinstance(error, APIError) else "") or str(error)
    if digest := image_id(client, name):
        return LockedImage(name=name, digest=digest, found_in="engine")
    raise EngineError(
        f"neither a registry nor the engine has the image {name}",
        log=said.strip().splitlines()[-1:],
        hint=image_hint([said]),
    )
