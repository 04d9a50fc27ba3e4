import sys

import pytest

from scoredock.paths import KIT


@pytest.fixture(scope="module")
def build():
    sys.path.insert(0, str(KIT / "bench"))
    try:
        import build
    finally:
        sys.path.remove(str(KIT / "bench"))
    return build


@pytest.mark.parametrize(
    ("mount", "own"),
    [
        ("id=kit,target=/c", "--mount=type=cache,id=own-kit,target=/c"),
        ("target=/c", "--mount=type=cache,target=/c,id=own-/c"),
        ("ro,dst=/c", "--mount=type=cache,ro,dst=/c,id=own-/c"),
    ],
)
def test_a_cache_mount_of_the_bench_is_shared_with_nothing_else(build, mount, own):
    text = "RUN --mount=type=cache,{} \\\n    --mount=type=secret,id=ca pip install x\n"

    assert build.with_own_caches(text.format(mount), "own") == text.replace(
        "--mount=type=cache,{}", own
    )


def test_only_the_benchs_own_mounts_are_removed(build):
    usage = (
        'ID:   abc\nDescription:  cached mount /c from exec x with id "/scoredock-bench-kit-/c"\n\n'
        'ID:   def\nDescription:  cached mount /c from exec x with id "/scoredock"\n\nTotal: 1'
    )

    assert build.own_mounts(usage) == ["abc"]


def test_the_table_has_a_ratio_to_the_first_packager_in_each_cell(build):
    times = {
        "scoredock": {step: [2.0, 1.0, 3.0] for step in build.STEPS},
        "MLServer": {step: [5.0] for step in build.STEPS},
    }

    lines = build.table(list(times), times, {"scoredock": 10_000_000, "MLServer": 25_000_000})

    assert "| scoredock | 2.0 s (min 1.0), x 1.0 |" in lines
    assert "| MLServer | 5.0 s (min 5.0), x 2.5 |" in lines
    assert "| 25.0, x 2.5 |" in lines
