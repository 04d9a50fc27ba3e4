"""Build an image with BuildKit, through the docker CLI: the SDK cannot drive it."""

import os
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from scoredock.build_progress import BuildProgress
from scoredock.errors import EngineError
from scoredock.network import NO_NETWORK, Network
from scoredock.network_hints import image_hint, network_hint

_FAILED_STEP = "the lines above are the step's last words; --verbose shows all of them"


def build_command(
    context: Path,
    *,
    tag: str,
    build_args: Mapping[str, str] | None = None,
    secrets: Mapping[str, Path] | None = None,
    hidden: Mapping[str, str] | None = None,
    proxies: Collection[str] = (),
    contexts: Mapping[str, str] | None = None,
    platform: str = "",
    options: Sequence[str] = ("--load",),
) -> list[str]:
    """Return the command that builds `context` and names the result `tag`.

    `hidden` are secrets by the variable that holds each, and `proxies` build arguments whose values
    are the variables of that name: neither is in the command. `options` are buildx's own for what
    becomes of it: by default the engine gets it.
    """
    command = ["docker", "buildx", "build", "--progress=rawjson", *options, "--tag", tag]
    command += ["--platform", platform] if platform else []
    for name, value in (build_args or {}).items():
        command += ["--build-arg", f"{name}={value}"]
    for name, path in (secrets or {}).items():
        command += ["--secret", f"id={name},src={path}"]
    for name, variable in (hidden or {}).items():
        command += ["--secret", f"id={name},env={variable}"]
    for name in proxies:
        command += ["--build-arg", name]
    for name, folder in (contexts or {}).items():
        command += ["--build-context", f"{name}={folder}"]
    return [*command, str(context)]


def build(
    command: list[str],
    *,
    report: Callable[[str], None],
    verbose: bool = False,
    variables: Mapping[str, str] | None = None,
    network: Network = NO_NETWORK,
) -> None:
    """Run a build command; `report` gets a line for each step, and with `verbose` its output.

    `variables` are what the command reads beside the process environment, and `network` the
    settings that they were made from.
    The last line tells what it took, how many steps ran and which change made them run. Raises
    EngineError with the last lines of the step that failed.
    """
    progress = BuildProgress(report=report, verbose=verbose)
    process = subprocess.Popen(
        command,
        env={**os.environ, **(variables or {})},
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        try:
            for line in process.stderr or ():
                progress.take(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        step = progress.failed_step
        log = progress.failed_log
        pulling = "load metadata" in step
        hint = image_hint(log) if pulling else network_hint(log, network) or _FAILED_STEP
        raise EngineError(
            f"the image build failed in {step}" if step else "the image build failed",
            command=command,
            log=log,
            hint=hint if step else "scoredock doctor tells what this machine lacks",
        )
    report(progress.summary)
