"""The bench's own arithmetic; what it measures needs the peers and wrk."""

import sys

import pytest

from scoredock.paths import KIT


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(KIT / "bench"))
    try:
        import figures
    finally:
        sys.path.remove(str(KIT / "bench"))
    return figures


def figures_of(bench, cell, **speeds):
    figures = bench.Figures()
    for server, rounds in speeds.items():
        for number, value in enumerate(rounds):
            if value is not None:
                figures.add(cell, server, number, per_second=value)
    return figures


def test_a_ratio_is_the_median_of_those_of_each_round(bench):
    # The medians themselves are 20 and 10.
    figures = figures_of(bench, "one/16", scoredock=[10, 20, 90], reference=[10, 4, 30])

    assert figures.ratio("one/16", "per_second", "reference") == 3


def test_a_round_without_both_servers_counts_for_nothing(bench):
    figures = figures_of(bench, "one/16", scoredock=[10, 20, None], reference=[5, None, 30])

    assert figures.ratio("one/16", "per_second", "reference") == 2
    assert figures.ratio("one/16", "per_second", "MLServer") is None


def test_the_best_peer_is_that_of_the_round(bench):
    figures = figures_of(bench, "one/16", scoredock=[12, 12], MLServer=[6, 2], BentoML=[3, 4])

    assert figures.ratio("one/16", "per_second", "MLServer", "BentoML") == 2.5


def test_a_further_worker_is_the_dearest_one(bench):
    figures = bench.Figures()
    for workers, memory in {1: 1100, 2: 1110.24, 4: 1212.64}.items():
        figures.add("memory", "scoredock", workers, memory=memory)

    assert figures.further_worker() == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("speed", "verdict"), [(30, "holds"), (29, "**does not hold**"), (None, "not measured")]
)
def test_what_must_hold_is_judged(bench, speed, verdict):
    figures = figures_of(bench, "batch/16", scoredock=[speed], reference=[10])

    [line] = [line for line in bench.verdicts(figures) if "batch/16 req/s, of reference's" in line]
    assert line.endswith(f"| at least 3 | {verdict} |")


def test_failed_requests_stand_in_the_table(bench):
    figures = figures_of(bench, "one/1", scoredock=[10, 20])
    for number in (0, 1):
        figures.add("one/1", "scoredock", number, p50=1, p99=2, cpu=3, others=0, failed=number)

    [row] = [line for line in bench.tables(figures, ["one/1"], ["scoredock"]) if "| 15.0" in line]
    assert "**1 failed**" in row
