"""Build the same image twice: reproducibly, and to see whether an image is what it says it is."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scoredock.archive import ImageArchive, differences, read_archive
from scoredock.deployment import Deployment, Plan, Report
from scoredock.engine import connect, require_command
from scoredock.errors import EngineError, SpecError
from scoredock.lock import Lock
from scoredock.service import run_build

# 1980-01-01, the first time that a zip file can hold. Times of files that are older stay.
_EPOCH = 315_532_800


def source_date_epoch() -> str:
    """Return the time that everything in a reproducible image has, in seconds since 1970.

    SOURCE_DATE_EPOCH says it where it is set (reproducible-builds.org).
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or str(_EPOCH)
    if not epoch.isdecimal():
        raise SpecError(f"expected seconds since 1970, found {epoch!r}", path="SOURCE_DATE_EPOCH")
    return epoch


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
) -> ImageArchive:
    output = f"--output=type=docker,dest={archive},rewrite-timestamp=true"
    options = ["--provenance=false", "--sbom=false", output]
    run_build(
        deployment,
        planned,
        tag=tag,
        lock=lock,
        build_args={"SOURCE_DATE_EPOCH": source_date_epoch()},
        options=[*options, "--no-cache"] if no_cache else options,
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
    connect()
    with tempfile.TemporaryDirectory(prefix="scoredock-") as folder:
        saved = Path(folder, "saved.tar")
        _docker("save", "--output", str(saved), image)
        held = read_archive(saved)
        fresh = _build_archive(
            deployment, planned, lock, tag=image, archive=Path(folder, "built.tar"),
            no_cache=True, report=report, verbose=verbose,
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
