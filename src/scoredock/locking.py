"""Make a lock, and read one that is to be built from: what lock.py says, asked of the engine.

The packages are found out where they will be installed: a build of the context itself, up to the
environment, in the same base image and with the same settings of the network. So the Python, the
platform and what that offers are the image's own, whatever this machine is.
"""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from docker import DockerClient
from docker.errors import ImageNotFound

from scoredock import __version__
from scoredock.deployment import Deployment, Plan, Report
from scoredock.engine import connect, engine_errors, require_command
from scoredock.errors import EngineError, LockError, SpecError
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
from scoredock.paths import CONTEXT
from scoredock.service import run_build
from scoredock.spec import CONDA_FILE

# How long a registry may take to tell a digest.
_SECONDS = 60
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


def image_names(deployment: Deployment, planned: Plan) -> dict[str, str]:
    """Return the images to start from by build argument, but for a Dockerfile of the spec's own."""
    env = planned.env
    names = {} if env.base_stage else {"BASE_IMAGE": deployment.base_image or env.base_image}
    if env.build_image:
        names["BUILD_IMAGE"] = deployment.build_image or env.build_image
    return names


def make_lock(
    deployment: Deployment, planned: Plan, *, report: Report, verbose: bool = False
) -> Lock:
    """Ask the registry for the images and the indexes for the packages.

    Raises EngineError for an image that nobody has and where the packages cannot be had together.
    """
    require_command()
    client = connect()
    images = {
        name: _find_image(client, image, asked=deployment.network.mirrored(image))
        for name, image in image_names(deployment, planned).items()
    }
    for image in images.values():
        report(f"{image.name} is {image.digest[:19]}, says the {image.found_in}")
    with tempfile.TemporaryDirectory() as folder:
        run_build(
            deployment,
            planned,
            tag="scoredock-lock",
            images={name: image.reference for name, image in images.items()},
            build_args={"MODE": "lock"},
            # The stage that asks the indexes runs each time.
            options=[
                "--target=lock",
                "--no-cache-filter=build",
                f"--output=type=local,dest={folder}",
            ],
            report=report,
            verbose=verbose,
        )
        packages = json.loads(Path(folder, LOCKED).read_text(encoding="utf-8"))
    return Lock(
        made_from=made_from(planned),
        platform=planned.env.platform or _platform(client),
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
        images=image_names(deployment, planned),
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
        digest = _engine_digest(client, image.name) if image.found_in == "engine" else image.digest
        if digest != image.digest:
            raise LockError(
                f"{lock_file(deployment)}: {name} {image.name} was locked as {image.digest}, "
                f"the engine has {digest or 'none'}",
                hint="docker load the image that was locked, or make the lock anew: scoredock lock",
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
    """Ask the registry, `asked` being its mirror's name there, and the engine for what none has."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}"]
    try:
        answer = subprocess.run(
            [*command, asked], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        said, found = answer.stderr, answer.stdout if answer.returncode == 0 else ""
    except subprocess.TimeoutExpired:
        said, found = f"no answer after {_SECONDS} s", ""
    if found:
        return LockedImage(name=name, digest=json.loads(found)["digest"], found_in="registry")
    if digest := _engine_digest(client, name):
        return LockedImage(name=name, digest=digest, found_in="engine")
    raise EngineError(
        f"neither a registry nor the engine has the image {name}",
        log=said.strip().splitlines()[-1:],
        hint="docker login, docker load, or another image: --base-image, --build-image",
    )


def _engine_digest(client: DockerClient, name: str) -> str:
    with engine_errors("looking for the image"):
        try:
            return str(client.images.get(name).id)
        except ImageNotFound:
            return ""


def _platform(client: DockerClient) -> str:
    with engine_errors("asking for the platform"):
        version = client.version()
    return f"{version['Os']}/{version['Arch']}"
