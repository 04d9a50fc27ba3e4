"""Build an image with BuildKit, through the docker CLI: the SDK cannot drive it."""

import base64
import json
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scoredock.errors import EngineError

# What a person sees of a step that failed.
LAST_LINES = 20
# Characters of a step's name; the seconds after which it is named although it has not ended yet,
# and those after which its end is worth a line too.
_TITLE = 72
_SHORT = 1
_LONG = 5
_FAILED_STEP = "the lines above are the step's last words; --verbose shows all of them"
_NO_BASE_IMAGE = (
    "load the base image (docker load), log in to its registry (docker login), "
    "or name another with --base-image or BASE_IMAGE"
)


def build_command(
    context: Path,
    *,
    tag: str,
    build_args: Mapping[str, str] | None = None,
    secrets: Mapping[str, Path] | None = None,
) -> list[str]:
    """Return the command that builds `context` and names the result `tag`."""
    command = ["docker", "buildx", "build", "--progress=rawjson", "--load", "--tag", tag]
    for name, value in (build_args or {}).items():
        command += ["--build-arg", f"{name}={value}"]
    for name, path in (secrets or {}).items():
        command += ["--secret", f"id={name},src={path}"]
    return [*command, str(context)]


def build(command: list[str], *, report: Callable[[str], None], verbose: bool = False) -> None:
    """Run a build command; `report` gets a line for each step, and with `verbose` its output.

    Raises EngineError with the last lines of the step that failed.
    """
    progress = BuildProgress(report=report, verbose=verbose)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    with process:
        try:
            for line in process.stderr or ():
                progress.take(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        step = progress.failed_step
        hint = _NO_BASE_IMAGE if "load metadata" in step else _FAILED_STEP
        raise EngineError(
            f"the image build failed in {step}" if step else "the image build failed",
            command=command,
            log=progress.failed_log,
            hint=hint if step else "scoredock doctor tells what this machine lacks",
        )


@dataclass
class BuildProgress:
    """What BuildKit has said so far, from its `rawjson` progress lines.

    A line is an object of lists: `vertexes` (steps) and `logs` (base64, by step).
    """

    report: Callable[[str], None]
    verbose: bool = False
    names: dict[str, str] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    announced: set[str] = field(default_factory=set)
    logs: dict[str, deque[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    failed: str = ""
    unparsed: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    def take(self, line: str) -> None:
        """Take one line of standard error."""
        try:
            status = json.loads(line)
        except json.JSONDecodeError:
            status = None
        if not isinstance(status, dict):
            self.unparsed.append(line.rstrip())
            return
        for vertex in status.get("vertexes") or []:
            self._take_vertex(vertex)
        self._announce_running()
        for entry in status.get("logs") or []:
            text = base64.b64decode(entry.get("data", "")).decode("utf-8", "replace")
            log = self.logs.setdefault(entry["vertex"], deque(maxlen=LAST_LINES))
            log.extend(part for part in text.splitlines() if part.strip())
            if self.verbose:
                self.report(text.rstrip())

    def _take_vertex(self, vertex: dict[str, str]) -> None:
        digest, name = vertex["digest"], vertex.get("name", "")
        self.names[digest] = name
        if vertex.get("error") and "context canceled" not in vertex["error"]:
            self.failed = digest
            self.logs.setdefault(digest, deque([vertex["error"]], maxlen=LAST_LINES))
            return
        if not name.startswith("[") or name.startswith("[internal]") or digest in self.done:
            return
        if vertex.get("completed"):
            self.done.add(digest)
            started = self.running.pop(digest, None)
            seconds = time.monotonic() - started if started else 0
            if digest not in self.announced:
                self._announce(digest, " (cached)" if vertex.get("cached") else "")
            elif seconds > _LONG:
                self._announce(digest, f" took {seconds:.0f} s")
        elif vertex.get("started"):
            self.running.setdefault(digest, time.monotonic())

    def _announce_running(self) -> None:
        """Name the steps that run for long; a cached one starts too, and ends at once."""
        for digest, started in self.running.items():
            if digest not in self.announced and time.monotonic() - started > _SHORT:
                self._announce(digest)

    def _announce(self, digest: str, suffix: str = "") -> None:
        self.announced.add(digest)
        # What is mounted says nothing to a person, and comes before what does.
        words = [word for word in self.names[digest].split() if not word.startswith("--mount=")]
        name = " ".join(words)
        self.report(f"{name if len(name) <= _TITLE else name[:_TITLE] + '…'}{suffix}")

    @property
    def failed_step(self) -> str:
        """The name of the step that failed, as BuildKit gives it."""
        return self.names.get(self.failed, "")

    @property
    def failed_log(self) -> list[str]:
        """The step's last lines, or what the command itself said where no step failed."""
        return list(self.logs.get(self.failed, self.unparsed))
