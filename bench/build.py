"""Build the digits example with scoredock and with its peers, side by side, and print ratios.

Usage: bench/build.py [--only NAME ...] [--repeat N] [--base IMAGE] [--json]

Each peer is installed in a virtual environment of its own and writes the Dockerfile that it gives
its users; its FROM becomes --base, the same for all. The rounds are interleaved: every packager
builds once before the first builds again. Cold is without BuildKit's cache, whose cache mounts
are pruned before (other projects' too); warm is the same build again; `code` has a line of the
user's code changed, `package` one more small package in the requirements. Sizes are those of the
gzip-compressed layers above the base's.

CA_FILE names authorities that the packages' index needs, as for scoredock itself.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from image_size import compressed_size
from packagers import PACKAGERS, Packager, Project

MORE = "tabulate==0.9.0"
STEPS = ["cold", "warm", "code", "package"]


def main() -> None:
    """Run every packager and print the table."""
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="scoredock-bench-") as scratch:
        base = usable_base(options.base, Path(scratch))
        peers = Path(options.peers or scratch)
        chosen = [each for each in PACKAGERS if not options.only or each.name in options.only]
        for packager in chosen:
            log(f"{packager.name}: setting up")
            packager.install(peers)
        times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        sizes = {}
        for number in range(options.repeat):
            for packager in chosen:
                folder = Path(scratch) / f"{packager.name}-{number}"
                for step, seconds in play(packager, folder, base):
                    log(f"{packager.name}: {step} {seconds:.1f} s")
                    times[packager.name][step].append(seconds)
                sizes[packager.name] = compressed_size(tag(packager)) - compressed_size(base)
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
    prune_cache_mounts()
    yield "cold", build(packager, project, "--no-cache")
    yield "warm", build(packager, project)
    packager.edit_code(project)
    yield "code", build(packager, project)
    packager.add_package(project, MORE)
    yield "package", build(packager, project)


def build(packager: Packager, project: Project, *more: str) -> float:
    """Build the image; return the seconds that it took."""
    command = ["docker", "build", "--progress", "plain", "--tag", tag(packager), *more]
    began = time.perf_counter()
    run([*command, "--file", str(project.dockerfile), str(project.context)])
    return time.perf_counter() - began


def tag(packager: Packager) -> str:
    """Return the name of a packager's image."""
    return f"scoredock-bench/{packager.name.lower()}"


def prune_cache_mounts() -> None:
    """Forget what earlier builds have downloaded."""
    run(["docker", "builder", "prune", "--force", "--filter", "type=exec.cachemount"])


def usable_base(base: str, scratch: Path) -> str:
    """Return an image of the base with what the peers need: pip, and CA_FILE's authorities."""
    name, folder = "scoredock-bench/base", scratch / "base"
    folder.mkdir()
    pip = "command -v pip || { python3 -m ensurepip && ln -s pip3 /usr/local/bin/pip; }"
    lines = [f"FROM {base}", f"RUN {pip}"]
    if authorities := os.environ.get("CA_FILE"):
        (folder / "ca.pem").write_bytes(Path(authorities).read_bytes())
        variables = ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
        trust = " ".join(f"{variable}=/etc/ssl/bench-ca.pem" for variable in variables)
        lines += ["COPY ca.pem /etc/ssl/bench-ca.pem", f"ENV {trust}"]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    run(["docker", "build", "--quiet", "--tag", name, str(folder)])
    return name


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
