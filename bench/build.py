"""Build the digits example with scoredock and with its peers, side by side, and print ratios.

Usage: bench/build.py [--only NAME ...] [--repeat N] [--base IMAGE] [--json]

Each peer is installed in a virtual environment of its own and writes the Dockerfile that it gives
its users; its FROM becomes --base, the same for all. The rounds are interleaved: every packager
builds once before the first builds again. Each round has a base image with a layer of its own and
cache mounts of its own, so that nothing of an earlier round, or of another project, is in its
cache, and nothing of theirs is touched. Cold is the first build of a round; warm is the same build
again; `code` has a line of the user's code changed, `package` one more small package in the
requirements. Sizes are those of the gzip-compressed layers above the base's.

CA_FILE names authorities that the packages' index needs, as for scoredock itself.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from image_size import compressed_size
from packagers import PACKAGERS, Packager, Project

OWN = "scoredock-bench"
BASE = f"{OWN}/base"
MORE = "tabulate==0.9.0"
STEPS = ["cold", "warm", "code", "package"]


def main() -> None:
    """Run every packager and print the table."""
    options = parse_arguments()
    times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    sizes = {}
    with tempfile.TemporaryDirectory(prefix="scoredock-bench-") as scratch:
        peers = Path(options.peers or scratch)
        chosen = [each for each in PACKAGERS if not options.only or each.name in options.only]
        for packager in chosen:
            log(f"{packager.name}: setting up")
            packager.install(peers)
        try:
            for number in range(options.repeat):
                base = usable_base(options.base, Path(scratch) / f"base-{number}")
                for packager in chosen:
                    folder = Path(scratch) / f"{packager.name}-{number}"
                    for step, seconds in play(packager, folder, base):
                        log(f"{packager.name}: {step} {seconds:.1f} s")
                        times[packager.name][step].append(seconds)
            for packager in chosen:
                sizes[packager.name] = compressed_size(tag(packager)) - compressed_size(base)
        finally:
            clean_up([BASE, *map(tag, chosen)])
    if options.json:
        print(json.dumps({"seconds": times, "bytes": sizes}, indent=2))
    else:
        print(table([each.name for each in chosen], times, sizes))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [each.name for each in PACKAGERS]
    parser.add_argument("--only", nargs="+", choices=names, help="these packagers alone")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (%(default)s)")
    default = os.environ.get("BASE_IMAGE") or "python:3.11-slim"
    parser.add_argument("--base", default=default, help="image that all start from (%(default)s)")
    parser.add_argument("--peers", help="folder to keep the peers' environments in")
    parser.add_argument("--json", action="store_true", help="every measurement, as JSON")
    return parser.parse_args()


def play(packager: Packager, folder: Path, base: str) -> Iterator[tuple[str, float]]:
    """Yield the seconds of each step of one round."""
    project = Project(folder=folder, base=base)
    packager.write(project)
    yield "cold", build(packager, project)
    yield "warm", build(packager, project)
    packager.edit_code(project)
    yield "code", build(packager, project)
    packager.add_package(project, MORE)
    yield "package", build(packager, project)


def build(packager: Packager, project: Project) -> float:
    """Build the image; return the seconds that it took."""
    dockerfile = project.folder / "Dockerfile.bench"
    caches = f"{OWN}-{packager.name}-{project.folder.stat().st_ino}"
    dockerfile.write_text(with_own_caches(project.dockerfile.read_text(), caches))
    command = ["docker", "build", "--progress", "plain", "--tag", tag(packager)]
    began = time.perf_counter()
    run([*command, "--file", str(dockerfile), str(project.context)])
    return time.perf_counter() - began


def tag(packager: Packager) -> str:
    """Return the name of a packager's image."""
    return f"{OWN}/{packager.name.lower()}"


def with_own_caches(dockerfile: str, name: str) -> str:
    """Return the Dockerfile with cache mounts that nothing else uses: their ids begin with name."""

    def renamed(mount: re.Match[str]) -> str:
        options = dict(each.partition("=")[::2] for each in mount[0].split(","))
        place = options.get("target") or options.get("dst") or options.get("destination")
        options["id"] = f"{name}-{options.get('id', place)}"
        return ",".join(f"{key}={value}" if value else key for key, value in options.items())

    return re.sub(r"--mount=type=cache[^\s\\]*", renamed, dockerfile)


def own_mounts(usage: str) -> list[str]:
    """Return the records of the bench's cache mounts, of what `docker buildx du --verbose` says."""
    records = [record for record in usage.split("\n\n") if f'with id "/{OWN}-' in record]
    return [found[1] for record in records if (found := re.search(r"^ID:\s+(\w+)", record, re.M))]


def clean_up(images: list[str]) -> None:
    """Remove the bench's images and cache mounts."""
    quiet = {"capture_output": True, "text": True, "check": False}
    subprocess.run(["docker", "image", "rm", "--force", *images], **quiet)
    usage = subprocess.run(["docker", "buildx", "du", "--verbose"], **quiet).stdout
    for record in own_mounts(usage):
        prune = ["docker", "builder", "prune", "--all", "--force", "--filter", f"id={record}"]
        subprocess.run(prune, **quiet)


def usable_base(base: str, folder: Path) -> str:
    """Return an image of the base with what the peers need: pip, and CA_FILE's authorities.

    What is built from it is in no cache: it has a file that no other image has.
    """
    folder.mkdir()
    pip = "command -v pip || { python3 -m ensurepip && ln -s pip3 /usr/local/bin/pip; }"
    lines = [f"FROM {base}", f"RUN {pip}", f"RUN echo {uuid.uuid4()} >/etc/{OWN}"]
    if authorities := os.environ.get("CA_FILE"):
        (folder / "ca.pem").write_bytes(Path(authorities).read_bytes())
        variables = ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
        trust = " ".join(f"{variable}=/etc/ssl/bench-ca.pem" for variable in variables)
        lines += ["COPY ca.pem /etc/ssl/bench-ca.pem", f"ENV {trust}"]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    run(["docker", "build", "--quiet", "--tag", BASE, str(folder)])
    return BASE


def table(names: list[str], times: dict[str, dict[str, list[float]]], sizes: dict[str, int]) -> str:
    """Return medians with the least of the rounds, and beside each how many times the first's."""
    first = names[0]
    rows = [["", *STEPS, "MB above base"]]
    for name in names:
        cells = [name]
        for step in STEPS:
            median = statistics.median(times[name][step])
            ratio = median / statistics.median(times[first][step])
            cells.append(f"{median:.1f} s (min {min(times[name][step]):.1f}), x {ratio:.1f}")
        cells.append(f"{sizes[name] / 1e6:.1f}, x {sizes[name] / sizes[first]:.1f}")
        rows.append(cells)
    rows.insert(1, ["---"] * len(rows[0]))
    notes = [f"{each.name}: {each.note}" for each in PACKAGERS if each.name in names and each.note]
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", *notes])


def run(command: list[str]) -> None:
    """Run a command to its end; its output is shown where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout[-3000:]}{done.stderr[-3000:]}\nerror: {' '.join(command)} failed")


def log(line: str) -> None:
    """Tell how far it is."""
    print(f"==> {line}", file=sys.stderr)


if __name__ == "__main__":
    main()
