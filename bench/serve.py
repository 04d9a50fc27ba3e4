"""Serve the same models with this server and with others, side by side, and print ratios.

Usage: bench/serve.py [--servers A,B] [--cells C,D] [--rounds N] [--seconds N] [--peers FOLDER]
                      [--json]

A cell is WORKLOAD/CONNECTIONS. Of the workloads tiny is 10 numbers for a logistic regression, one
is 784, batch 100 rows of 784 and typed the same as an array; forest (200 trees) and mlp (layers of
1024 and 512) get one row of 784. The cell `memory` is what each worker more takes of a model of a
gigabyte.

Each round starts the servers of a model and then loads them in turn, cell by cell: the figures of a
cell and a round are seconds apart. Ratios are taken within a round; what is printed are medians. A
server must answer right before it is measured. Each has two workers, and an environment of its own
below --peers that is made once; one that cannot be installed or started is skipped with a note. All
of it takes a quarter of an hour where nothing else runs, and the environments ten minutes the first
time. Needs wrk.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import workloads
from figures import OWN, Figures, tables, verdicts
from load import Request, Running, ServerError, free_ports
from packagers import ROOT
from peers import PEERS
from servers import Bare, FlaskGunicorn, Reference, Scoredock, Server, Start

# The first is what the others are compared with.
SERVERS: list[Server] = [Scoredock(), Reference(), *PEERS, FlaskGunicorn(), Bare()]
MEMORY = "memory"
CELLS = [*workloads.CELLS, MEMORY]
WARM_UP = 30  # requests, one after the other


def main() -> None:
    """Run the rounds and print the tables."""
    options = parse_arguments()
    if not shutil.which("wrk"):
        sys.exit("error: wrk is not on PATH: .ci/engine or `apt-get install wrk` installs it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped
    figures = Figures()
    servers = [each for each in SERVERS if installed(each, options, figures)]
    models = made_models(options.peers)
    with tempfile.TemporaryDirectory(prefix="scoredock-bench-") as scratch:
        for number in range(options.rounds):
            for group in workloads.GROUPS:
                cells = [each for each in options.cells if group_of(each) == group]
                takers = [each for each in servers if group in each.groups]
                if cells and takers:
                    Round(number, models / group, Path(scratch), figures).play(
                        takers, cells, options.seconds
                    )
        if MEMORY in options.cells and servers and servers[0].name == OWN:
            measure_memory(servers[0], Path(scratch) / MEMORY, figures)
    if options.json:
        print(json.dumps(figures.everything(), indent=2))
    else:
        names = [each.name for each in servers]
        print("\n".join([*tables(figures, options.cells, names), *verdicts(figures)]))
        notes = [f"{each.name}: {each.note}" for each in servers if each.note]
        print("\n".join(["", *notes, *figures.notes]))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [each.name for each in SERVERS]
    peers = ROOT / ".venvs" / "bench"
    parser.add_argument("--servers", metavar="A,B", help=f"some of {','.join(names)}")
    parser.add_argument("--cells", metavar="C,D", help=f"some of {','.join(CELLS)}")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="of each cell (%(default)s)")
    parser.add_argument("--peers", type=Path, default=peers, help="folder of the environments")
    parser.add_argument("--json", action="store_true", help="every measurement, as JSON")
    options = parser.parse_args()
    for option, known in (("servers", names), ("cells", CELLS)):
        given = (getattr(options, option) or ",".join(known)).split(",")
        for name in given:
            if name not in known:
                parser.error(f"--{option}: {name!r} is none of {','.join(known)}")
        setattr(options, option, given)
    return options


def group_of(cell: str) -> str:
    """Return the group of a cell; the memory cell is one of its own."""
    return cell if cell == MEMORY else workloads.WORKLOADS[cell.partition("/")[0]].group


def installed(server: Server, options: argparse.Namespace, figures: Figures) -> bool:
    """Install a server that is asked for, unless it is there; tell whether it can be measured."""
    if server.name not in options.servers:
        return False
    log(f"{server.name}: setting up")
    try:
        server.install(options.peers)
    except SystemExit as problem:
        note = f"{server.name}: skipped: {str(problem).splitlines()[-1]}"
        log(note)
        figures.notes.append(note)
        return False
    return True


def made_models(peers: Path) -> Path:
    """Train the models, unless they are there; return their folder."""
    folder, source = peers / "models", Path(workloads.__file__)
    stamp = folder / "made"
    if not stamp.exists() or stamp.read_bytes() != source.read_bytes():
        log("training the models")
        SERVERS[0].install(peers)
        subprocess.run([SERVERS[0].bin / "python", source, folder], check=True)
        stamp.write_bytes(source.read_bytes())
    return folder


class Round:
    """One round of one group of cells."""

    def __init__(self, number: int, models: Path, scratch: Path, figures: Figures) -> None:
        self._number = number
        self._models = models
        self._scratch = scratch
        self._figures = figures
        self._asked = json.loads((models.parent / "rows.json").read_text(encoding="utf-8"))
        self._running: dict[Server, Running] = {}

    def play(self, servers: list[Server], cells: list[str], seconds: int) -> None:
        """Start the servers, load each in each cell, and stop them."""
        workloads_asked = list(dict.fromkeys(cell.partition("/")[0] for cell in cells))
        try:
            for server in self._in_turn(servers, 0):
                self._start(server, workloads_asked)
            for place, cell in enumerate(cells):
                for server in self._in_turn(list(self._running), place):
                    self._load(server, cell, seconds)
            if self._models.name == "linear":
                for server in list(self._running):
                    self._weigh(server)
        finally:
            for running in self._running.values():
                running.stop()

    def _in_turn(self, servers: list[Server], place: int) -> list[Server]:
        first = (self._number + place) % max(len(servers), 1)
        return servers[first:] + servers[:first]

    def _start(self, server: Server, names: list[str]) -> None:
        folder = self._scratch / f"{self._models.name}-{self._number}-{server.name}"
        try:
            running = started(server, Start(self._models, folder, free_ports(3)))
            self._running[server] = running
            requests = [self._request(server, name) for name in names]
            cold = running.wait(requests[0], server.read)
            for request in requests:
                running.check(request, server.read, times=WARM_UP)
        except ServerError as problem:
            self._skip(server, problem)
            return
        log(f"round {self._number + 1}: {server.name} started in {cold:.2f} s")
        if self._models.name == "linear":
            self._add("start", server, seconds=cold)

    def _load(self, server: Server, cell: str, seconds: int) -> None:
        name, _, connections = cell.partition("/")
        request = self._request(server, name)
        try:
            load = self._running[server].load(request, int(connections), seconds)
        except ServerError as problem:
            self._skip(server, problem)
            return
        log(f"round {self._number + 1}: {cell} {server.name} {load['per_second']:.0f} req/s")
        self._add(cell, server, **load)

    def _weigh(self, server: Server) -> None:
        try:
            self._add("start", server, memory=self._running[server].memory())
        except ServerError as problem:
            self._skip(server, problem)

    def _request(self, server: Server, name: str) -> Request:
        return server.request(name, self._asked[name]["rows"], self._asked[name]["answer"])

    def _add(self, cell: str, server: Server, **measures: float) -> None:
        self._figures.add(cell, server.name, self._number, **measures)

    def _skip(self, server: Server, problem: ServerError) -> None:
        note = f"{server.name}: skipped in round {self._number + 1}: {problem}"
        log(note)
        self._figures.notes.append(note)
        if server in self._running:
            self._running.pop(server).stop()


def started(server: Server, start: Start) -> Running:
    """Start a server in a folder of its own."""
    start.folder.mkdir()
    command = server.command(start)
    return Running(command, server.variables(start), start.folder, start.ports[0])


def measure_memory(server: Server, folder: Path, figures: Figures) -> None:
    """Start our server with a model of a gigabyte, and one, two and four workers."""
    workloads.make_large(folder)
    for workers in (1, 2, 4):
        start = Start(folder, folder / str(workers), free_ports(3), workers)
        running = started(server, start)
        try:
            request = server.request("one", [[0.0]], [0])
            running.wait(request, server.read)
            running.load(request, connections=16, seconds=1)
            figures.add(MEMORY, server.name, workers, memory=running.memory())
        except ServerError as problem:
            figures.notes.append(f"{server.name}: memory with {workers} workers: {problem}")
        finally:
            running.stop()
        log(f"memory: {workers} workers")


def log(message: str) -> None:
    """Tell on standard error what is being done."""
    print(f"==> {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
