"""scoredock.lock: exactly what goes into an image, and what that was found out for.

A YAML file beside the spec, for people to read and to commit. No URL is in it: where images and
packages come from is each machine's own business, a mirror's say. The same lock has the same text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import yaml

from scoredock.errors import LockError

LOCK_FILE: Final = "scoredock.lock"
# What the build context has of it: see docker/install/lock.py.
LOCKED: Final = "locked.json"
# What a reproducible image tells of itself, beside the labels of every image.
LABEL: Final = "scoredock.reproducible"
# Of the format; a kit reads its own and no other.
_VERSION: Final = 1
_HEAD: Final = (
    "# LOCKED by `scoredock lock`: commit it. `scoredock build --locked` installs exactly this.\n"
)
_PIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]*==[\w.!+-]+", flags=re.ASCII | re.IGNORECASE)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_RENEW: Final = "scoredock lock makes it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFrom:
    """What a lock was found out for: where that has moved, the lock is stale."""

    spec: str
    """sha256 of the resolved environment."""
    template: str
    """The hashes of the templates, as rendered files have them in their second line."""
    kit: str
    """The kit's version and the hash of what it puts into an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """An image to start from; `found_in` is `registry`, or `engine` where no registry has it."""

    name: str
    digest: str
    found_in: Literal["registry", "engine"]

    @property
    def reference(self) -> str:
        """What a build can be given: the engine's own images have no name with a digest."""
        named = self.found_in == "engine" or "@" in self.name
        return self.name if named else f"{self.name}@{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What stands in the file."""

    made_from: MadeFrom
    platform: str
    """Of the image, as `linux/amd64`."""
    images: Mapping[str, LockedImage]
    """By build argument (BASE_IMAGE, BUILD_IMAGE), or as the spec's own Dockerfile names them."""
    conda: Sequence[Mapping[str, Any]]
    """A record of each conda package, as conda's own index has it."""
    pip: Mapping[str, Sequence[str]]
    """The sha256 of each file that a version may come in, by `name==version`."""
    build: Mapping[str, Sequence[str]]
    """The same for what builds the server."""

    @property
    def packages(self) -> str:
        """The packages as the build stage reads them, in JSON."""
        parts = {"build": self.build, "conda": self.conda, "pip": self.pip}
        return json.dumps(parts, indent=1, sort_keys=True) + "\n"


def lock_text(lock: Lock) -> str:
    """Return the text of the file: sorted, one package after the other."""
    data = {
        "version": _VERSION,
        "made_from": asdict(lock.made_from),
        "platform": lock.platform,
        "images": {name: asdict(image) for name, image in sorted(lock.images.items())},
        "conda": sorted((dict(record) for record in lock.conda), key=lambda each: each["name"]),
        "pip": {pin: sorted(lock.pip[pin]) for pin in sorted(lock.pip)},
        "build": {pin: sorted(lock.build[pin]) for pin in sorted(lock.build)},
    }
    body: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000)
    return _HEAD + body


def parse_lock(text: str, *, path: str) -> Lock:
    """Read the file's text; `path` is where it lies.

    Raises LockError for what is not a lock, or one of another format.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _no_lock(path, " ".join(str(error).split())) from error
    if not isinstance(data, dict) or "version" not in data:
        raise _no_lock(path, "it has no version")
    if data["version"] != _VERSION:
        raise _no_lock(path, f"expected version {_VERSION}, found {data['version']!r}")
    try:
        lock = Lock(
            made_from=MadeFrom(**data["made_from"]),
            platform=data["platform"],
            images={name: LockedImage(**image) for name, image in data["images"].items()},
            conda=tuple(data["conda"]),
            pip=dict(data["pip"]),
            build=dict(data["build"]),
        )
        wrong = _wrong(lock)
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_lock(path, f"{type(error).__name__}: {error}") from error
    if wrong:
        raise _no_lock(path, wrong)
    return lock


def _wrong(lock: Lock) -> str:
    """Return what cannot be built from; empty where everything can."""
    for pin, hashes in (*lock.pip.items(), *lock.build.items()):
        if not _PIN.fullmatch(pin):
            return f"expected name==version, found {pin!r}"
        if not hashes or not all(_DIGEST.fullmatch(one) for one in hashes):
            return f"expected sha256:… for {pin}"
    for record in lock.conda:
        if not re.fullmatch("[0-9a-f]{64}", record["sha256"]):
            return f"expected the sha256 of {record['name']}, found {record['sha256']!r}"
    for image in lock.images.values():
        if not _DIGEST.fullmatch(image.digest):
            return f"expected the digest of {image.name}, found {image.digest!r}"
    return ""


def _no_lock(path: str, why: str) -> LockError:
    return LockError(f"{path}: cannot be used: {why}", hint=_RENEW)


def moved(
    lock: Lock, *, made_from: MadeFrom, images: Mapping[str, str], platform: str
) -> list[str]:
    """Return a line for each thing that is not as it was when the lock was made.

    `images` are the names of the images to start from, by the names in the lock; `platform` is the
    one that is asked for, empty for any.
    """
    then, now = asdict(lock.made_from), asdict(made_from)
    names = {name: image.name for name, image in lock.images.items()}
    lines = [
        f"{name}: {now[name]}, locked for {then[name]}" for name in now if now[name] != then[name]
    ]
    lines += [
        f"{name}: {images.get(name, 'none')}, locked for {names.get(name, 'none')}"
        for name in sorted({*images, *names})
        if images.get(name) != names.get(name)
    ]
    if platform and platform != lock.platform:
        lines.append(f"platform: {platform}, locked for {lock.platform}")
    return lines


def lines_of_label(label: str, now: Mapping[str, str]) -> list[str]:
    """Return a line for each thing that an image's label and `now` do not tell alike.

    It is the label of a reproducible build, in JSON; one that is not is told in one line.
    """
    try:
        then = json.loads(label)
        names = sorted({*now, *then}) if isinstance(then, dict) else []
    except ValueError:
        names = []
    if not names:
        return [f"label {LABEL}: expected a JSON object, found {label[:40]!r}"]
    return [
        f"{name}: {now.get(name, 'none')}, the image is made from {then.get(name, 'none')}"
        for name in names
        if now.get(name) != then.get(name)
    ]


def stale(path: str, lines: Sequence[str]) -> LockError:
    """Return the error for a lock from which other things have moved."""
    what = ", ".join(line.split(": ")[0] for line in lines)
    return LockError(f"{path}: stale: {what} moved since it was made", hint=_RENEW)
