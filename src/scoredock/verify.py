"""Build the same image twice: reproducibly, and to see whether an image is what it says it is."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from docker.errors import ImageNotFound

from scoredock.archive import ImageArchive, differences, read_archive
from scoredock.deployment import Deployment, Plan, Report
from scoredock.engine import connect, engine_errors, require_command
from scoredock.errors import EngineError, ScoredockError, SpecError
from scoredock.header import short_hash
from scoredock.lock import LABEL, Lock, lines_of_label, lock_text
from scoredock.service import run_build
from scoredock.spec import CONDA_FILE

# 1980-01-01, the first time that a zip file can hold. Times of files that are older stay.
_EPOCH = 315_532_800
# Of the rendered files, what `docker build` reads.
_BUILT_FROM = ("Dockerfile", CONDA_FILE)
# --no-cache empties the cache of downloads too, which all builds share: it has one of its own.
_NO_CACHE_ARGUMENTS = {"DOWNLOADS": "scoredock-no-cache"}


def source_date_epoch() -> str:
    """Return the time that everything in a reproducible image has, in seconds since 1970.

    SOURCE_DATE_EPOCH says it where it is set (reproducible-builds.org).
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or str(_EPOCH)
    if not epoch.isdecimal():
        raise SpecError(f"expected seconds since 1970, found {epoch!r}", path="SOURCE_DATE_EPOCH")
    return epoch


def made_of(planned: Plan, lock: Lock) -> dict[str, str]:
    """Return what a reproducible image is made from, but for the code: its label tells it."""
    return {
        **asdict(lock.made_from),
        "lock": short_hash(lock_text(lock)),
        "rendered files": short_hash("\0".join(planned.rendered[name] for name in _BUILT_FROM)),
        "SOURCE_DATE_EPOCH": source_date_epoch(),
    }


def look_at(image: str, planned: Plan, lock: Lock) -> list[str]:
    """Return a line for each thing that an image says it was made from and that is another now.

    Raises EngineError where the engine does not have it, and ScoredockError for one that cannot be
    built again.
    """
    with engine_errors("looking for the image"):
        try:
            labels = connect().images.get(image).labels
        except ImageNotFound:
            raise EngineError(
                f"the engine has no image {image}", hint="docker pull or docker load it"
            ) from None
    if LABEL in labels:
        return lines_of_label(labels[LABEL], made_of(planned, lock))
    made = "without --reproducible" if "scoredock.environment" in labels else "by something else"
    raise ScoredockError(
        f"{image} was built {made}: it has no label {LABEL}",
        hint="scoredock build --reproducible makes one that can be verified",
    )


def build_reproducibly(
    deployment: Deployment,
    planned: Plan,
    lock: Lock,
    *,
    tag: str,
    no_cache: bool,
    report: Report,
    verbose: bool = False,
) -> str:
    """Build from the lock, load the image into the engine and return its digest.

    It takes the way over a file, because BuildKit rewrites no times in what it hands to the engine.
    """
    with tempfile.TemporaryDirectory(prefix="scoredock-") as folder:
        archive = Path(folder, "image.tar")
        built = _build_archive(
            deployment, planned, lock, tag=tag, archive=archive, no_cache=no_cache,
            report=report, verbose=verbose,
        )  # fmt: skip
        _docker("load", "--quiet", "--input", str(archive))
        return built.digest


def _build_archive(
    deployment: Deployment,
    planned: Plan,
    lock: Lock,
    *,
    tag: str,
    archive: Path,
    no_cache: bool,
    report: Report,
    verbose: bool,
    folder: Path | None = None,
) -> ImageArchive:
    output = f"--output=type=docker,dest={archive},rewrite-timestamp=true"
    label = json.dumps(made_of(planned, lock), sort_keys=True)
    options = ["--provenance=false", "--sbom=false", f"--label={LABEL}={label}", output]
    arguments = {"SOURCE_DATE_EPOCH": source_date_epoch()}
    if no_cache:
        arguments |= _NO_CACHE_ARGUMENTS
        options.append("--no-cache")
    run_build(
        deployment,
        planned,
        tag=tag,
        lock=lock,
        build_args=arguments,
        folder=folder,
        options=options,
        report=report,
        verbose=verbose,
    )
    return read_archive(archive)


def compare(
    image: str,
    deployment: Deployment,
    planned: Plan,
    lock: Lock,
    *,
    report: Report,
    verbose: bool = False,
) -> tuple[str, list[str]]:
    """Build `image` anew, without any cache, and compare.

    Return the digest of the one that the engine has, and a line for each difference.
    """
    require_command()
    with tempfile.TemporaryDirectory(prefix="scoredock-") as folder:
        saved = Path(folder, "saved.tar")
        _docker("save", "--output", str(saved), image)
        held = read_archive(saved)
        fresh = _build_archive(
            deployment, planned, lock, tag="scoredock-verify", archive=Path(folder, "built.tar"),
            no_cache=True, report=report, verbose=verbose, folder=Path(folder, "context"),
        )  # fmt: skip
        # The configuration holds the digest of every layer, unpacked: how they are packed may
        # differ between versions of BuildKit, and changes nothing.
        if fresh.digest == held.digest or fresh.config_digest == held.config_digest:
            return held.digest, []
        found = list(differences(held, fresh))
        return held.digest, found or ["configuration: the history of the layers"]


def _docker(*arguments: str) -> None:
    command: Sequence[str] = ["docker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise EngineError(f"docker {arguments[0]} failed", command=command, log=said[-3:])
