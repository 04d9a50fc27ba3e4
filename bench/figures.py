"""What serve.py found: medians, ratios within a round, and what must hold."""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterator

OWN = "scoredock"
REFERENCE = "reference"
PLAIN = "flask"
PEERS = ["MLServer", "BentoML", "LitServe", "MLflow"]
# Megabytes of the model of the memory cell.
LARGE_MIB = 1024


class Figures:
    """Every measurement: of a cell, a measure and a server, by the round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
        self.notes: list[str] = []

    def add(self, cell: str, server: str, number: int, **measures: float) -> None:
        """Keep what was measured in a round."""
        for measure, value in measures.items():
            self._values[cell, measure, server][number] = value

    def median(self, cell: str, measure: str, server: str) -> float | None:
        """Return the median of the rounds, if there are any."""
        values = self._values.get((cell, measure, server), {}).values()
        return statistics.median(values) if values else None

    def total(self, cell: str, measure: str, server: str) -> float:
        """Return the sum of the rounds."""
        return sum(self._values.get((cell, measure, server), {}).values())

    def ratio(self, cell: str, measure: str, *others: str) -> float | None:
        """Return the median of our share in the greatest of the others', round by round."""
        own = self._values.get((cell, measure, OWN), {})
        rivals = [self._values.get((cell, measure, other), {}) for other in others]
        greatest = {
            number: max(rival[number] for rival in rivals if number in rival)
            for number in own
            if any(number in rival for rival in rivals)
        }
        ratios = [own[number] / value for number, value in greatest.items() if value]
        return statistics.median(ratios) if ratios else None

    def further_worker(self) -> float | None:
        """Return the most that a worker more takes, as a share of the memory cell's model."""
        by_workers = self._values.get(("memory", "memory", OWN), {})
        pairs = itertools.pairwise(sorted(by_workers.items()))
        more = [(memory - less) / (count - fewer) for (fewer, less), (count, memory) in pairs]
        return max(more) / LARGE_MIB if more else None

    def everything(self) -> list[dict[str, object]]:
        """Return the measurements as JSON can have them."""
        return [
            {"cell": cell, "measure": measure, "server": server, "rounds": rounds}
            for (cell, measure, server), rounds in self._values.items()
        ]


def tables(figures: Figures, cells: list[str], servers: list[str]) -> Iterator[str]:
    """Yield the lines of what was measured: a table for each cell, and one of the servers."""
    for cell in cells:
        measured = [each for each in servers if figures.median(cell, "per_second", each)]
        if not measured:
            continue
        yield f"\n### {cell}\n"
        yield "| | req/s | scoredock's is | p50 ms | p99 ms | CPU us/request | others' CPU |"
        yield "|---|---|---|---|---|---|---|"
        for server in measured:
            ratio = None if server == OWN else figures.ratio(cell, "per_second", server)
            speed, p50, p99, cpu, others = (
                figures.median(cell, measure, server)
                for measure in ("per_second", "p50", "p99", "cpu", "others")
            )
            failed = figures.total(cell, "failed", server)
            mark = f" **{failed:.0f} failed**" if failed else ""
            row = [server, shown(speed) + mark, times(ratio), *map(shown, (p50, p99, cpu))]
            yield "| " + " | ".join([*row, f"{others or 0:.0%}"]) + " |"
    yield "\n### Starting and memory\n"
    yield "| | first answer after | scoredock's is | PSS of all processes |"
    yield "|---|---|---|---|"
    for server in servers:
        seconds = figures.median("start", "seconds", server)
        if seconds:
            ratio = None if server == OWN else figures.ratio("start", "seconds", server)
            memory = shown(figures.median("start", "memory", server))
            yield f"| {server} | {shown(seconds)} s | {times(ratio)} | {memory} MiB |"


def verdicts(figures: Figures) -> Iterator[str]:
    """Yield the lines of what must hold, and whether it does."""
    yield "\n### What must hold\n"
    yield "| scoredock's | figure | target | |"
    yield "|---|---|---|---|"
    for what, figure, bound, target in targets(figures):
        if figure is None:
            verdict = "not measured"
        else:
            kept = figure >= target if bound == "at least" else figure <= target
            verdict = "holds" if kept else "**does not hold**"
        yield f"| {what} | {shown(figure)} | {bound} {target:g} | {verdict} |"


def targets(figures: Figures) -> Iterator[tuple[str, float | None, str, float]]:
    """Yield what is compared, the figure, and the bound that it must keep."""
    for workload in ("tiny", "one", "batch"):
        cell = f"{workload}/16"
        yield _faster(figures, cell, 3, REFERENCE)
        p99 = figures.ratio(cell, "p99", REFERENCE)
        yield f"{cell} p99, of the reference's", p99, "at most", 0.5
        yield _faster(figures, cell, 2, *PEERS)
        yield _faster(figures, f"{workload}/1", 1, PLAIN)
        yield _faster(figures, f"{workload}/64", 1, PLAIN)
    yield _faster(figures, "typed/16", 20, REFERENCE)
    yield _faster(figures, "forest/64", 8, REFERENCE)
    yield _faster(figures, "forest/64", 2, "MLServer")
    yield _faster(figures, "mlp/16", 8, REFERENCE)
    yield "further worker, of a model of 1 GiB", figures.further_worker(), "at most", 0.05
    start = figures.ratio("start", "seconds", REFERENCE)
    yield "first answer, of the reference's", start, "at most", 1


def _faster(
    figures: Figures, cell: str, target: float, *others: str
) -> tuple[str, float | None, str, float]:
    whose = "the best other peer's" if len(others) > 1 else f"{others[0]}'s"
    return (
        f"{cell} req/s, of {whose}",
        figures.ratio(cell, "per_second", *others),
        "at least",
        target,
    )


def shown(value: float | None) -> str:
    """Return a number with some three digits."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(ratio: float | None) -> str:
    """Return a ratio as it stands in a table."""
    return "" if ratio is None else f"x {shown(ratio)}"
