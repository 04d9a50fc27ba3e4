"""Images as `docker save` and BuildKit write them to a file: read, and compared file by file."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from scoredock.errors import EngineError

_READ = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a layer says of one path."""

    kind: str
    """`file`, `folder`, `link`, `hard link` or the tar type of what is rarer."""
    content: str
    """sha256 of a file, the target of a link."""
    mode: str
    """In octal."""
    owner: str
    """Numbers of user and group."""
    time: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArchive:
    """An image in a file."""

    path: Path
    digest: str
    """Of its manifest: by this a registry and the engine know it."""
    config_digest: str
    config: dict[str, Any]
    layers: dict[str, str]
    """The member of the archive that holds a layer, by the digest of what it holds unpacked."""


def read_archive(path: Path) -> ImageArchive:
    """Read what an archive says of its one image. Raises EngineError where it is none."""
    try:
        with tarfile.open(path) as archive:
            index = _json(archive, "index.json")
            [named] = _json(archive, "manifest.json")
            config = _json(archive, named["Config"])
            [manifest] = index["manifests"]
    except (KeyError, ValueError, TypeError, OSError, tarfile.TarError) as error:
        raise EngineError(f"{path}: no archive of one image: {error}") from error
    return ImageArchive(
        path=path,
        digest=manifest["digest"],
        config_digest="sha256:" + Path(named["Config"]).name.removesuffix(".json"),
        config=config,
        layers=dict(zip(config["rootfs"]["diff_ids"], named["Layers"], strict=True)),
    )


def _json(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    return json.load(file) if file else None


def differences(image: ImageArchive, other: ImageArchive) -> Iterator[str]:
    """Yield a line for each part of the configuration and each path that is not alike.

    Only layers that the other one lacks are opened.
    """
    ours, theirs = image.config.get("config", {}), other.config.get("config", {})
    for key in sorted({*ours, *theirs}):
        if ours.get(key) != theirs.get(key):
            yield f"configuration {key}: {ours.get(key)} and {theirs.get(key)}"
    for key in ("architecture", "created", "os"):
        if image.config.get(key) != other.config.get(key):
            yield f"configuration {key}: {image.config.get(key)} and {other.config.get(key)}"
    common = image.layers.keys() & other.layers.keys()
    left, right = _entries(image, common), _entries(other, common)
    for path in sorted({*left, *right}):
        one, two = left.get(path), right.get(path)
        if one is None or two is None:
            yield f"{path}: only in {'the second' if one is None else 'the first'}"
        elif one != two:
            what = [field.name for field in fields(Entry)]
            yield f"{path}: {', '.join(n for n in what if getattr(one, n) != getattr(two, n))}"


def _entries(image: ImageArchive, known: set[str]) -> dict[str, Entry]:
    """Return the paths of all layers but the known ones; a later layer wins."""
    entries = {}
    with tarfile.open(image.path) as archive:
        for diff_id, name in image.layers.items():
            blob = archive.extractfile(name) if diff_id not in known else None
            if blob is None:
                continue
            with tarfile.open(fileobj=blob, mode="r|*") as layer:
                for member in layer:
                    path = "/" + member.name.removeprefix("./").strip("/")
                    entries[path] = _entry(layer, member)
    return entries


def _entry(layer: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    return Entry(
        kind=_kind(member),
        content=_sha256(layer, member) if member.isfile() else member.linkname,
        mode=f"{member.mode:o}",
        owner=f"{member.uid}:{member.gid}",
        time=int(member.mtime),
    )


def _kind(member: tarfile.TarInfo) -> Literal["file", "folder", "link", "hard link"] | str:
    if member.isfile():
        return "file"
    if member.isdir():
        return "folder"
    return "link" if member.issym() else "hard link" if member.islnk() else repr(member.type)


def _sha256(layer: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    digest = hashlib.sha256()
    file = layer.extractfile(member)
    while file and (chunk := file.read(_READ)):
        digest.update(chunk)
    return digest.hexdigest()
