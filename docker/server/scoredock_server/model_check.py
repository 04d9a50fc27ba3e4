"""Compare the mounted models with the manifests that their registry wrote, before init() runs."""

import hashlib
import json
import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from scoredock_server import log
from scoredock_server.model_dir import find_volume
from scoredock_server.settings import Settings

_READ = 1 << 20


class ModelCheckError(Exception):
    """What is mounted is not what was registered; each file has its line in the log."""


class Entry(NamedTuple):
    """What a manifest says of one file."""

    size: int
    sha256: str


def check_models(settings: Settings) -> None:
    """Compare every file of every NAME/VERSION in the model volume, where settings ask for it.

    Raises ModelCheckError where a file is missing, changed or in no manifest, or there is no
    manifest.
    """
    if not settings.verify_models:
        return
    volume = find_volume(settings.app_root, settings.model_dir)
    problems = list(_outside(settings, volume))
    versions = list(_versions(volume))
    for name, version in versions:
        problems.extend(_problems(settings, volume, name, version))
    if not versions:
        log.server.info("SCOREDOCK_VERIFY_MODELS: there is no model in %s", volume)
    for problem in problems:
        log.server.error("SCOREDOCK_VERIFY_MODELS: %s", problem)
    if problems:
        raise ModelCheckError(
            "the models are not what was registered ({}, see above): the service does not start"
            " with them".format(_count(len(problems), "difference"))
        )


def _outside(settings: Settings, volume: str) -> Iterator[str]:
    """Yield what is said of a model that lies where no manifest can tell of it."""
    folder = os.path.join(settings.app_root, settings.model_dir)
    if os.path.isdir(folder) and not (os.path.abspath(folder) + os.sep).startswith(volume + os.sep):
        yield "AZUREML_MODEL_DIR={}: not in {}, which is what can be checked".format(
            settings.model_dir, volume
        )


def _versions(volume: str) -> Iterator["tuple[str, str]"]:
    """Yield NAME and VERSION of all that is mounted; VERSION is empty for what is no folder."""
    for name in _names(volume):
        versions = _names(os.path.join(volume, name))
        if not versions:
            yield name, ""
        for version in versions:
            yield name, version


def _names(folder: str) -> List[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _problems(settings: Settings, volume: str, name: str, version: str) -> Iterator[str]:
    """Yield a line for each difference of one version."""
    label = "{}:{}".format(name, version)
    folder = os.path.join(volume, name, version)
    if not re.match("[0-9]+$", version) or not os.path.isdir(folder):
        yield "{}: of no registered model".format(os.path.join(volume, name, version).rstrip("/"))
        return
    path = os.path.join(settings.app_root, settings.model_manifests, name, version + ".json")
    try:
        entries = read_manifest(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield "{}: no manifest of it can be read at {}: {!r}".format(label, path, error)
        return
    differing = 0
    for file in sorted(set(entries).union(_files(folder))):
        difference = _difference(os.path.join(folder, file), entries.get(file))
        if difference:
            differing += 1
            yield "{}: {} {}".format(label, file, difference)
    if not differing:
        files = _count(len(entries), "file")
        log.server.info("model %s is as it was registered: %s", label, files)


def read_manifest(path: str) -> Dict[str, Entry]:
    """Return what the manifest says of each file, by its path in the VERSION folder.

    Raises OSError, ValueError, KeyError or TypeError where it cannot be read.
    """
    with open(path, encoding="utf-8") as file:
        data: Any = json.load(file)
    return {each["path"]: Entry(each["size"], each["sha256"]) for each in data["files"]}


def _files(folder: str) -> Iterator[str]:
    """Yield every file and link, relative to `folder`."""
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in names + links:
            yield os.path.relpath(os.path.join(parent, name), folder)


def _difference(path: str, entry: Optional[Entry]) -> Optional[str]:
    """Return what is wrong with a file."""
    if entry is None:
        return "is not in the manifest"
    if not os.path.lexists(path):
        return "is missing"
    if os.path.islink(path) or not os.path.isfile(path):
        return "is not a file"
    try:
        size = os.path.getsize(path)
        if size != entry.size:
            return "has {} bytes, {} were registered".format(size, entry.size)
        found = _sha256(path)
    except OSError as error:
        return "cannot be read: {}".format(error.strerror)
    if found != entry.sha256:
        return "has the sha256 {}, {} was registered".format(found, entry.sha256)
    return None


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_READ), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _count(number: int, noun: str) -> str:
    return "{} {}{}".format(number, noun, "" if number == 1 else "s")
