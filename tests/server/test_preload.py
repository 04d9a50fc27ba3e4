import os
import re
import signal

import pytest

from serving import EVALUATE, ask_to_reload, covers, running, wait_for_log, wait_until, write_files

AUTO = {"WORKER_COUNT": "2", "WORKER_PRELOAD": "auto"}
ONCE = "The script is loaded once, for all workers"
EACH = "Each worker loads the script itself: "
SCRIPT = """\
import os, socket, subprocess, sys, threading, time
kept = []
def init():
    print("init", os.getpid())
    {}
def run(raw_data):
    return eval(raw_data)
"""
LEFT = [
    (
        "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
        r"1 thread\(s\) running",
    ),
    ("kept.append(socket.socket())", "open: socket:"),
    ("kept.append(open(__file__))", "open: .*score.py"),
    ("kept.append(subprocess.Popen(['sleep', '9'], stdin=subprocess.PIPE))", "open: pipe:"),
]


@covers("WORKER_PRELOAD", "SCOREDOCK_COMPATIBILITY")
@pytest.mark.parametrize("setting", ["WORKER_PRELOAD=auto", "SCOREDOCK_COMPATIBILITY=improved"])
def test_workers_share_what_init_has_loaded_where_it_leaves_nothing_behind(tmp_path, setting):
    name, value = setting.split("=")
    script = SCRIPT.format("time.sleep(0)")
    with running(tmp_path, script, WORKER_COUNT="2", **{name: value}) as server:
        master = server.wait_until_ready().score("os.getppid()").json()

        assert master == server.process.pid
        assert wait_for_log(server, r"azmlinfsrv\.print - (.*)") == [f"init {master}"]
        assert server.log().count(ONCE) == 1


@pytest.mark.parametrize(("statement", "reason"), LEFT)
def test_each_worker_loads_a_script_that_leaves_something_behind(tmp_path, statement, reason):
    with running(tmp_path, SCRIPT.format(statement), **AUTO) as server:
        server.wait_until_ready()
        inits = wait_for_log(server, r"print - init (\d+)", count=3)

        assert re.search(EACH + ".*" + reason, server.log())
        assert inits[0] == str(server.process.pid)
        assert len(set(inits)) == 3
        assert server.score("os.getppid()").json() == server.process.pid
        assert server.score("os.environ.get('GUNICORN_PID')").json() == {}


@pytest.mark.needs("numpy")
def test_threads_that_end_for_a_fork_are_no_reason_against_it(tmp_path):
    statement = "import numpy; kept.append(numpy.ones((300, 300)) @ numpy.ones((300, 300)))"
    variables = {**AUTO, "OPENBLAS_NUM_THREADS": "2"}
    with running(tmp_path, SCRIPT.format(statement), **variables) as server:
        server.wait_until_ready()

        assert ONCE in server.log()
        assert server.score("float((kept[0] @ kept[0]).sum())").json() == 2.43e12


@pytest.mark.parametrize("variables", [{"WORKER_PRELOAD": "auto"}, {**AUTO, "WORKER_COUNT": "1"}])
def test_one_worker_loads_for_itself(tmp_path, variables):
    with running(tmp_path, SCRIPT.format("pass"), **variables) as server:
        server.wait_until_ready()

        assert wait_for_log(server, r"print - init (\d+)") != [str(server.process.pid)]
        assert ONCE not in server.log()
        assert EACH not in server.log()


@pytest.mark.parametrize("preload", ["auto", "true"])
def test_a_reload_loads_script_helpers_and_model_anew(tmp_path, preload):
    script = EVALUATE + "\nimport helper\nname = '{}'\n"
    models = "azureml-models/digits"
    files = {f"{models}/9/model": "", "code/helper.py": "name = 'old'"}
    variables = {**AUTO, "WORKER_PRELOAD": preload}
    with running(tmp_path, script.format("old"), files=files, **variables) as server:
        server.wait_until_ready()
        seen = "[name, helper.name, os.environ['AZUREML_MODEL_DIR'][-2:]]"
        before = server.score(seen).json()
        write_files(
            tmp_path / "azureml-app",
            {
                "code/score.py": script.format("newer"),
                "code/helper.py": "name = 'newer'",
                f"{models}/10/model": "",
            },
        )

        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "Worker exiting", count=2)

        assert before == ["old", "old", "/9"]
        assert server.score(seen).json() == ["newer", "newer", "10"]


def test_after_a_reload_that_fails_the_script_before_goes_on(tmp_path):
    path = tmp_path / "azureml-app" / "code" / "score.py"
    with running(tmp_path, SCRIPT.format("kept.append('old')"), **AUTO) as server:
        server.wait_until_ready()
        path.write_text(SCRIPT.format("kept.append('newer'); raise RuntimeError"))

        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "It cannot be loaded: .* What served before still does")

        assert [server.score("kept").json() for _ in range(5)] == [["old"]] * 5


def test_a_reload_has_each_worker_load_a_script_that_leaves_something_behind(tmp_path):
    path = tmp_path / "azureml-app" / "code" / "score.py"
    with running(tmp_path, SCRIPT.format("kept.append('old')"), **AUTO) as server:
        server.wait_until_ready()
        path.write_text(SCRIPT.format(f"kept.append('newer'); {LEFT[0][0]}"))

        server.process.send_signal(signal.SIGHUP)
        wait_for_log(server, "Worker exiting", count=2)

        assert [server.score("kept").json() for _ in range(5)] == [["newer"]] * 5
        assert re.search(EACH + ".*" + LEFT[0][1], server.log())


@covers("SCOREDOCK_RELOAD_SOCKET")
def test_a_server_that_can_be_asked_to_reload_loads_once_too(tmp_path):
    variables = {**AUTO, "SCOREDOCK_RELOAD_SOCKET": str(tmp_path / "reload.sock")}
    with running(tmp_path, SCRIPT.format("time.sleep(0)"), **variables) as server:
        server.wait_until_ready()
        assert ask_to_reload(tmp_path) == (0, "loaded")

        assert server.log().count(ONCE) == 2
        assert len(wait_for_log(server, r"print - init (\d+)")) == 2


CORES = len(os.sched_getaffinity(0))


def test_the_cores_are_divided_among_the_workers(tmp_path):
    count = CORES + 1
    with running(tmp_path, EVALUATE, WORKER_COUNT=str(count)) as server:
        server.wait_until_ready()
        wait_until(lambda: "Numeric libraries use 1 of" in server.log(), server.log)

        assert f"in each of {count} worker(s): OMP_NUM_THREADS=1" in server.log()
        assert server.score("os.environ['OPENBLAS_NUM_THREADS']").json() == "1"


def test_numbers_of_threads_that_somebody_has_set_stay(tmp_path):
    with running(tmp_path, EVALUATE, WORKER_COUNT="2", MKL_NUM_THREADS="7") as server:
        server.wait_until_ready()

        assert server.score("os.environ.get('OMP_NUM_THREADS')").json() == {}
        assert server.score("os.environ['MKL_NUM_THREADS']").json() == "7"
        assert "Numeric libraries" not in server.log()


def test_what_is_loaded_is_kept_from_the_garbage_collector(tmp_path):
    with running(tmp_path, EVALUATE) as server:
        count = "getattr(__import__('gc'), 'get_freeze_count', lambda: -1)()"
        frozen = server.wait_until_ready().score(count).json()

        assert frozen == -1 or frozen > 1000
