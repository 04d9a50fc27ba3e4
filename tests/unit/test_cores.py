import os

import pytest

from scoredock_server.cores import VARIABLES, share_cores, usable_cores

HERE = len(os.sched_getaffinity(0))


def machine(folder, groups, files):
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "500000 100000\n", "a/b/cpu.max": "400000 100000\n"}, 4),
        ("0::/../../docker/1\n", {"cpu.max": "200000 100000\n"}, 2),
        (
            "3:memory:/x\n2:cpu,cpuacct:/docker/1\n",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        (
            "2:cpu:/\n0::/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            64,
        ),
        ("1:cpuset:/\n", {"cpuset/cpu.max": "100000 100000\n"}, 64),
        ("", {}, 64),
    ],
)
def test_cores_are_those_of_the_smallest_quota(tmp_path, monkeypatch, groups, files, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    root = machine(
        tmp_path, groups, {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    )

    assert usable_cores(root) == cores


def test_cores_are_no_more_than_the_affinity_allows(tmp_path):
    root = machine(tmp_path, "0::/\n", {"sys/fs/cgroup/cpu.max": "99900000 100000"})

    assert usable_cores(root) == HERE


@pytest.mark.parametrize(("workers", "cores", "share"), [(2, 8, "4"), (3, 8, "2"), (4, 2, "1")])
def test_each_worker_has_its_share(workers, cores, share):
    environ = {"PATH": "/bin"}
    line = share_cores(environ, workers, cores)

    assert environ == {"PATH": "/bin"} | dict.fromkeys(VARIABLES, share)
    assert f"OMP_NUM_THREADS={share}" in line


@pytest.mark.parametrize("name", VARIABLES)
def test_what_somebody_has_set_stays(name):
    environ = {name: "3"}

    assert share_cores(environ, 2, 8) == ""
    assert environ == {name: "3"}


def test_one_worker_with_the_whole_machine_is_left_alone():
    environ = {}

    assert share_cores(environ, 1, os.cpu_count()) == ""
    assert environ == {}


def test_one_worker_with_a_part_of_the_machine_is_told(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    environ = {}
    share_cores(environ, 1, 3)

    assert environ["OMP_NUM_THREADS"] == "3"
