"""Deploy the digits example and change a line of its code, and print how many times faster that is.

Usage: bench/update.py [--repeat N] [--base IMAGE] [--json]

Each round deploys a service of a new workspace with the SDK, in Docker, as somebody does who has
never built its environment: the base image has a layer of its own, and the build a cache of its
own, which is empty. Then a line of the entry script is changed and update() called at once; a few
seconds later, which an edit takes, it is changed again and update() called with the object that
has deployed the service and with one that has found it by its name; and changed again and
`scoredock service update` run. A step's time is that until the new answer comes. The rounds are
interleaved: each has every step once. Nothing of other projects is touched.

CA_FILE names authorities that the packages' index needs, as for scoredock itself.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from build import BASE, OWN, clean_up, log, usable_base

from scoredock.paths import CONTEXT, KIT, TEMPLATES
from scoredock.sdk import (
    Environment,
    InferenceConfig,
    LocalWebservice,
    Model,
    Webservice,
    Workspace,
)

DIGITS = KIT / "examples" / "digits"
STEPS = [
    "first deploy",
    "update() at once",
    "update()",
    "update() of one that was found",
    "scoredock service update",
]
_EDIT = 5
"""Seconds that somebody needs to change a line."""


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3, help="rounds (%(default)s)")
    default = os.environ.get("BASE_IMAGE") or "python:3.11-slim"
    parser.add_argument("--base", default=default, help="image to start from (%(default)s)")
    parser.add_argument("--json", action="store_true", help="every measurement, as JSON")
    options = parser.parse_args()
    times: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="scoredock-bench-") as scratch:
        try:
            for number in range(options.repeat):
                folder = Path(scratch) / str(number)
                folder.mkdir()
                for step, seconds in play(folder, options.base):
                    log(f"{step}: {seconds:.2f} s")
                    times[step].append(seconds)
        finally:
            clean_up([BASE])
    print(json.dumps(times, indent=2) if options.json else table(times))


def play(folder: Path, base: str) -> Iterator[tuple[str, float]]:
    """Yield the seconds of each step of one round; nothing of it is left in the engine."""
    os.environ |= {
        "BASE_IMAGE": usable_base(base, folder / "base"),
        "TEMPLATES_DIR": str(templates_with_own_cache(folder / "templates")),
        "SCOREDOCK_STATE": str(folder / "state"),
        "SCOREDOCK_WORKSPACE": str(folder / "workspace"),
        "RUNTIME": "docker",
    }
    source = folder / "digits"
    shutil.copytree(DIGITS, source, ignore=shutil.ignore_patterns("models"))
    workspace = Workspace.create("bench", folder=folder / "workspace")
    name = f"bench-{uuid.uuid4().hex[:8]}"
    config = InferenceConfig(
        entry_script="score.py",
        source_directory=str(source),
        environment=Environment.load_from_directory(CONTEXT),
    )
    path = DIGITS / "models" / "sklearn_mnist" / "1" / "sklearn_mnist_model.pkl"
    model = Model.register(workspace, path, "sklearn_mnist")
    try:
        began = time.perf_counter()
        service = Model.deploy(workspace, name, [model], config)
        service.wait_for_deployment()
        wait_for(service, [2])
        yield STEPS[0], time.perf_counter() - began
        yield STEPS[1], update(service, source, "first")
        time.sleep(_EDIT)
        yield STEPS[2], update(service, source, "second")
        time.sleep(_EDIT)
        yield STEPS[3], update(Webservice(workspace, name), source, "third")
        time.sleep(_EDIT)
        began = time.perf_counter()
        change(source, "fourth")
        command = [sys.executable, "-m", "scoredock", "service", "update", name]
        subprocess.run([*command, "--source", str(source)], check=True, capture_output=True)
        wait_for(service, ["fourth", 2])
        yield STEPS[4], time.perf_counter() - began
    finally:
        LocalWebservice(workspace, name, must_exist=False).delete(delete_image=True)


def update(service: Webservice, source: Path, word: str) -> float:
    """Change the script and update the service; return the seconds until it answers anew."""
    began = time.perf_counter()
    change(source, word)
    service.update(wait=True)
    wait_for(service, [word, 2])
    return time.perf_counter() - began


def change(source: Path, word: str) -> None:
    """Let run() of the source folder answer with a word more."""
    text = (DIGITS / "score.py").read_text(encoding="utf-8")
    answer = "model.predict(rows).tolist()"
    changed = text.replace(f"return {answer}", f"return [{word!r}, *{answer}]")
    (source / "score.py").write_text(changed, encoding="utf-8")


def wait_for(service: Webservice, answer: list[object]) -> None:
    """Return once the service answers so; the update has returned, so that this is the first."""
    request = (DIGITS / "sample-request.json").read_text(encoding="utf-8")
    found = service.run(request)
    if found != answer:
        sys.exit(f"error: expected the answer {answer}, found {found}")


def templates_with_own_cache(folder: Path) -> Path:
    """Return a folder with the shipped template, but for the name of the cache: it is empty."""
    folder.mkdir()
    shipped = (TEMPLATES / "Dockerfile.j2").read_text(encoding="utf-8")
    name = f"id={OWN}-update-{uuid.uuid4().hex[:8]},"
    (folder / "Dockerfile.j2").write_text(shipped.replace("id=scoredock,", name), encoding="utf-8")
    return folder


def table(times: dict[str, list[float]]) -> str:
    """Return medians with the least of the rounds, and how many times faster each is."""
    first = statistics.median(times[STEPS[0]])
    rows = ["| | median | min | faster than the first deploy |", "|---|---|---|---|"]
    for step in STEPS:
        median = statistics.median(times[step])
        faster = "" if step == STEPS[0] else f"{first / median:.1f} times"
        rows.append(f"| {step} | {median:.2f} s | {min(times[step]):.2f} s | {faster} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
