"""What BuildKit says while it builds, in lines for a person: steps, their time, their cause."""

import base64
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# What a person sees of a step that failed.
LAST_LINES = 20
# Characters of a step's name; the seconds after which it is named although it has not ended yet.
_TITLE = 72
_SHORT = 1
# What a step's own output has for a person who waits: docker/install/create_environment.py says it.
_PHASE = re.compile(r"==> (?P<name>.+)|    (?P<time>[\d.]+ s)")
_EXPORT = "exporting to image"


@dataclass
class Step:
    """A step of the build, or what BuildKit does of itself around them: `[internal] …`."""

    name: str = ""
    inputs: tuple[str, ...] = ()
    started: float | None = None
    announced: bool = False
    done: bool = False
    cached: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a step of the Dockerfile."""
        return bool(re.match(r"\[(?!internal\]|context )", self.name))

    @property
    def tells(self) -> bool:
        """Whether `cached` tells if it changed: a base image is often said not to be cached."""
        return self.counts and not self.instruction.startswith("FROM ")

    @property
    def title(self) -> str:
        """The name in one short line; what is mounted says nothing to a person."""
        words = [word for word in self.name.split() if not word.startswith("--mount=")]
        name = " ".join(words)
        return name if len(name) <= _TITLE else name[:_TITLE] + "…"

    @property
    def instruction(self) -> str:
        """The Dockerfile's own words."""
        return self.title.split("] ", 1)[-1]


@dataclass
class BuildProgress:
    """What BuildKit has said so far, from its `rawjson` progress lines.

    A line is an object of lists: `vertexes` (steps) and `logs` (base64, by step).
    """

    report: Callable[[str], None]
    verbose: bool = False
    steps: dict[str, Step] = field(default_factory=dict)
    logs: dict[str, deque[str]] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    failed: str = ""
    unparsed: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    began: float = field(default_factory=time.monotonic)

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
            self._take_output(entry["vertex"], text)

    def _take_vertex(self, vertex: dict[str, str]) -> None:
        digest = vertex["digest"]
        step = self.steps.setdefault(digest, Step())
        step.name = vertex.get("name", step.name)
        step.inputs = tuple(vertex.get("inputs") or step.inputs)
        if vertex.get("error") and "context canceled" not in vertex["error"]:
            self.failed = digest
            self.logs.setdefault(digest, deque([vertex["error"]], maxlen=LAST_LINES))
            return
        if step.done or not (step.counts or step.name == _EXPORT):
            return
        if vertex.get("completed"):
            seconds = time.monotonic() - step.started if step.started else 0
            step.done, step.cached = True, bool(vertex.get("cached"))
            self.report(f"{step.title} ({'cached' if step.cached else f'{seconds:.1f} s'})")
        elif vertex.get("started") and step.started is None:
            step.started = time.monotonic()

    def _announce_running(self) -> None:
        """Name the steps that run for long; a cached one starts too, and ends at once."""
        for step in self.steps.values():
            if step.done or step.announced or step.started is None:
                continue
            if time.monotonic() - step.started > _SHORT:
                step.announced = True
                self.report(step.title)

    def _take_output(self, digest: str, text: str) -> None:
        log = self.logs.setdefault(digest, deque(maxlen=LAST_LINES))
        lines = [line for line in text.splitlines() if line.strip()]
        log.extend(lines)
        if self.verbose:
            self.report(text.rstrip())
            return
        for line in lines:
            if phase := _PHASE.fullmatch(line):
                self.phases[digest] = phase["name"] or self.phases.get(digest, "")
                taken = f" ({phase['time']})" if phase["time"] else ""
                self.report(f"  {self.phases[digest]}{taken}")

    @property
    def failed_step(self) -> str:
        """The name of the step that failed, in one line; whole where it may name an image."""
        if not self.failed:
            return ""
        step = self.steps[self.failed]
        return step.title if step.counts else step.name

    @property
    def failed_log(self) -> list[str]:
        """The step's last lines, or what the command itself said where no step failed."""
        return list(self.logs.get(self.failed, self.unparsed))

    @property
    def summary(self) -> str:
        """How long it took and, as far as BuildKit tells, which steps ran again and why."""
        taken = f"built in {time.monotonic() - self.began:.0f} s"
        steps = [step for step in self.steps.values() if step.done and step.tells]
        again = [step for step in steps if not step.cached and not self._came_out_equal(step)]
        if not steps:
            return taken
        if not again:
            return f"{taken}: nothing has changed since the last build"
        if len(again) == len(steps):
            return f"{taken}: every step ran, because none was in the cache"
        causes = f"{' and '.join(self._causes())} changed"
        return f"{taken}: {len(again)} of {len(steps)} steps ran, because {causes}"

    def _causes(self) -> Iterator[str]:
        """Yield each step that ran although all that it builds on was in the cache."""
        for step in self.steps.values():
            before = [self.steps[digest] for digest in step.inputs if digest in self.steps]
            if not step.tells or not step.done or step.cached or self._came_out_equal(step):
                continue
            if not any(one.tells and not one.cached for one in before):
                fresh = any(one.counts and not one.cached for one in before)
                yield f"{step.instruction}{', or its base image,' if fresh else ''}"

    def _came_out_equal(self, step: Step) -> bool:
        """Whether it ran, and gave what the cache of every later step was made from."""
        after = [
            other
            for other in self.steps.values()
            if other.tells and any(self.steps.get(digest) is step for digest in other.inputs)
        ]
        return bool(after) and all(other.cached for other in after)
