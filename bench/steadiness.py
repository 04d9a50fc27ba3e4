"""How steady a server is: requests that fail or wait while it is reloaded, killed and burdened.

    PYTHONPATH=tests .venv/bin/python bench/steadiness.py
    PYTHONPATH=tests .venv/bin/python bench/steadiness.py --seconds 60 --only slow lingering

Times are of four connections that ask one request after another of a run() that does nothing, with
the burden and without it ("quiet"), in turns, on the same server.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from burdens import (
    SCRIPT,
    Clients,
    allow_many_files,
    clients,
    idle_clients,
    lingering_clients,
    memory,
    open_files,
    slow_clients,
)

from serving import Server, running

Burden = Callable[[Server], AbstractContextManager[None]]

BURDENS: dict[str, Burden] = {
    "slow": lambda server: slow_clients(server, 200),
    "lingering": lambda server: lingering_clients(server, 32),
    "idle": lambda server: idle_clients(server, 10_000),
}


def main() -> None:
    """Measure, and print a line for each burden."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="For each, in all.")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--only", nargs="+", choices=BURDENS, default=list(BURDENS))
    options = parser.parse_args()
    allow_many_files()
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder, running(Path(folder), SCRIPT) as server:
            server.wait_until_ready()
            print(name, measure(server, BURDENS[name], options), flush=True)


def measure(server: Server, burden: Burden, options: argparse.Namespace) -> str:
    """Return what the other clients see with the burden and without it."""
    seconds = options.seconds / options.rounds / 2
    ask(server, 1)  # warm
    before, files = memory(server), open_files(server)
    quiet, burdened, most, most_files = Clients(), Clients(), before, files
    for _ in range(options.rounds):
        merge(quiet, ask(server, seconds))
        with burden(server):
            merge(burdened, ask(server, seconds))
            most, most_files = max(most, memory(server)), max(most_files, open_files(server))
    time.sleep(1)
    return (
        f"p50 {quiet.percentile(50) * 1e3:.2f} -> {burdened.percentile(50) * 1e3:.2f} ms,"
        f" p99 {quiet.percentile(99) * 1e3:.2f} -> {burdened.percentile(99) * 1e3:.2f} ms"
        f" ({burdened.percentile(99) / quiet.percentile(99):.1f} times),"
        f" failed {len(burdened.failures)} of {len(burdened.seconds)},"
        f" memory {before / 1e6:.1f} -> {most / 1e6:.1f} MB -> {memory(server) / 1e6:.1f} MB,"
        f" open files {files} -> {most_files} -> {open_files(server)}"
    )


def ask(server: Server, seconds: float) -> Clients:
    """Return what four clients see."""
    with clients(server) as seen:
        time.sleep(seconds)
    return seen


def merge(into: Clients, seen: Clients) -> None:
    """Add what some clients have seen."""
    into.seconds += seen.seconds
    into.failures += seen.failures


if __name__ == "__main__":
    main()
