"""A server that loads its script anew beside the old one: SCOREDOCK_RELOAD_SOCKET."""

import re
import signal
import threading
from functools import partial
from socket import AF_UNIX
from socket import socket as new_socket

import psutil
import pytest

from serving import EVALUATE, ask_to_reload, covers, running, wait_for_log, wait_until, write_files

unix_socket = partial(new_socket, AF_UNIX)
ANSWER = "def init(): pass\ndef run(raw_data): return {!r}\n"
# Says whether a module was there before the script imported it. Nothing of the server's needs it.
LIBRARY = "colorsys"
AHEAD = f"""
import sys
{{}}
ahead = {LIBRARY!r} in sys.modules
import {LIBRARY}
def init(): pass
def run(raw_data): return [ahead, {LIBRARY}.__file__.split('/')[-2], {{!r}}]
"""


@pytest.fixture
def socket(tmp_path):
    return {"SCOREDOCK_RELOAD_SOCKET": str(tmp_path / "reload.sock")}


def edit(tmp_path, files):
    write_files(tmp_path / "azureml-app", files)


def wait_for_the_next(server):
    """Return once the process that will serve next is there beside the one that serves.

    However far it has come with its imports: a server is not made of it before it has ended them.
    """
    supervisor = psutil.Process(server.process.pid)
    wait_until(lambda: len(supervisor.children()) >= 2, server.log)


@covers("SCOREDOCK_RELOAD_SOCKET")
@pytest.mark.parametrize("variables", [{}, {"WORKER_COUNT": "2"}, {"WORKER_PRELOAD": "true"}])
def test_who_asks_is_told_once_only_the_new_script_answers(tmp_path, socket, variables):
    with running(tmp_path, ANSWER.format("old"), **socket, **variables) as server:
        assert server.wait_until_ready().score().json() == "old"
        for number in range(3):
            edit(tmp_path, {"code/score.py": ANSWER.format(number)})

            assert ask_to_reload(tmp_path) == (0, "loaded")

            assert {server.score().json() for _ in range(10)} == {number}
        server.process.send_signal(signal.SIGTERM)
        assert server.exit_code() == 0


def test_who_asks_while_a_server_comes_to_serve_is_told_of_the_load_that_follows(tmp_path, socket):
    slow = "import time\n" + ANSWER.replace("pass", "time.sleep(1)")
    with running(tmp_path, slow.format("old"), **socket) as server, unix_socket() as asker:
        wait_for_log(server, "Booting worker")
        server.process.send_signal(signal.SIGSTOP)  # it sees both at once, afterwards
        assert server.wait_until_ready().score().json() == "old"
        edit(tmp_path, {"code/score.py": slow.format("new")})
        asker.connect(socket["SCOREDOCK_RELOAD_SOCKET"])
        server.process.send_signal(signal.SIGCONT)

        assert asker.makefile().read() == "loaded"

        assert server.score().json() == "new"


def test_who_asks_is_told_that_it_cannot_be_loaded_and_the_old_script_answers(tmp_path, socket):
    with running(tmp_path, ANSWER.format("old"), **socket) as server:
        server.wait_until_ready()
        broken = "def init(): raise KeyError('no model')\ndef run(raw_data): ...\n"
        edit(tmp_path, {"code/score.py": broken})

        status, said = ask_to_reload(tmp_path)

        assert status == 4
        assert "KeyError: 'no model'" in said
        assert said.endswith("\nthe server ended with exit code 3")
        assert server.score().json() == "old"


def test_a_worker_that_fails_before_another_is_ready_ends_the_server_and_no_more(tmp_path, socket):
    # The first fails, and takes its time to end; meanwhile the second is ready.
    script = (
        "import atexit, os, time\n"
        "def init():\n"
        "    try: os.close(os.open(os.environ['OUT'], os.O_CREAT | os.O_EXCL))\n"
        "    except FileExistsError: return time.sleep(1)\n"
        "    atexit.register(time.sleep, 3)\n"
        "    raise KeyError('only one')\n"
        "def run(raw_data): ...\n"
    )
    with running(tmp_path, script, WORKER_COUNT="2", **socket) as server:
        assert server.exit_code() == 3
        assert "ready for serving traffic" in server.log()
        assert server.log().count("Traceback") == 1


def test_a_hangup_is_as_good(tmp_path, socket):
    with running(tmp_path, ANSWER.format("old"), **socket) as server:
        server.wait_until_ready()
        edit(tmp_path, {"code/score.py": ANSWER.format("new")})
        server.process.send_signal(signal.SIGHUP)

        wait_until(lambda: server.score().json() == "new", server.log)


def test_where_nobody_listens_or_nothing_comes_in_time_that_is_said(tmp_path, socket):
    endless = "import time\ndef init(): time.sleep(600)\ndef run(raw_data): ...\n"
    with running(tmp_path, ANSWER.format("old"), **socket) as server:
        server.wait_until_ready()
        edit(tmp_path, {"code/score.py": endless})
        status, said = ask_to_reload(tmp_path, seconds=1)
        assert status == 3
        assert re.fullmatch(r"loading for \d+ s\nit is not loaded after 1 s", said)
        assert server.score().json() == "old"
    status, said = ask_to_reload(tmp_path)
    assert status == 2
    assert said.endswith(("Connection refused", "No such file or directory"))


def test_a_server_that_ends_is_not_asked(tmp_path, socket):
    with running(tmp_path, EVALUATE, **socket) as server:
        server.wait_until_ready()
        begun = "(open(os.environ['OUT'], 'w').close(), time.sleep(3), 'old')[2]"
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.score(begun).json()))
        asking.start()
        wait_until((tmp_path / "out").exists, server.log)
        server.process.send_signal(signal.SIGTERM)
        wait_for_log(server, "Handling signal: term")

        status, said = ask_to_reload(tmp_path)

        assert (status, said.endswith("Connection refused")) == (2, True), said
        asking.join(timeout=20)
        assert answers == ["old"]
        assert server.exit_code() == 0


def test_who_asks_is_told_once_the_old_script_has_answered_what_it_began(tmp_path, socket):
    with running(tmp_path, EVALUATE, **socket) as server:
        server.wait_until_ready()
        begun = "(open(os.environ['OUT'], 'w').close(), time.sleep(2), 'old')[2]"
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.score(begun).json()))
        asking.start()
        wait_until((tmp_path / "out").exists, server.log)
        edit(tmp_path, {"code/score.py": ANSWER.format("new")})

        assert ask_to_reload(tmp_path) == (0, "loaded")

        assert server.score("1").json() == "new"
        asking.join(timeout=1)
        assert answers == ["old"]


def reload_with(tmp_path, server, text, **files):
    edit(tmp_path, {"code/score.py": text, **files})
    assert ask_to_reload(tmp_path) == (0, "loaded")
    return server.score().json()


def test_libraries_are_imported_ahead_and_the_scripts_own_modules_never(tmp_path, socket):
    own = "import sys\nbefore = 'part' in sys.modules\nimport part\n"
    with running(
        tmp_path, own + AHEAD.format("", 0), files={"code/part.py": ""}, **socket
    ) as server:
        first = server.wait_until_ready().score().json()
        wait_for_the_next(server)
        text = AHEAD.format(own, 1).replace("return [", "return [before, ")

        assert first[0] is False
        assert reload_with(tmp_path, server, text) == [False, True, first[1], 1]
        assert reload_with(tmp_path, server, text) == [False, True, first[1], 1]


def test_a_script_that_sets_variables_is_loaded_in_a_fresh_process(tmp_path, socket):
    setting = "import os; os.environ['A_NUMBER_OF_THREADS'] = '{}'"
    with running(tmp_path, AHEAD.format("", 0), **socket) as server:
        server.wait_until_ready()
        wait_for_the_next(server)

        assert reload_with(tmp_path, server, AHEAD.format(setting.format(1), 1))[::2] == [False, 1]
        assert "in a process that has imported nothing yet" in server.log()
        assert reload_with(tmp_path, server, AHEAD.format(setting.format(2), 2))[::2] == [False, 2]
        # The one that follows it sets nothing; what was set is gone.
        gone = "import os; assert 'A_NUMBER_OF_THREADS' not in os.environ"
        assert reload_with(tmp_path, server, AHEAD.format(gone, 3))[::2] == [False, 3]


def test_a_module_beside_the_script_hides_a_library_of_its_name(tmp_path, socket):
    with running(tmp_path, AHEAD.format("", 0), **socket) as server:
        server.wait_until_ready()
        wait_for_the_next(server)

        answer = reload_with(
            tmp_path, server, AHEAD.format("", 1), **{f"code/{LIBRARY}.py": "beside = True"}
        )

        # The library of that name is found first, as in a fresh process: but it is found anew.
        assert answer[0] is False


@pytest.mark.needs("numpy")
def test_workers_do_not_share_what_numpy_draws(tmp_path, socket):
    script = "import numpy.random, os\ndef init(): pass\n"
    script += "def run(raw_data): return [os.getpid(), numpy.random.random()]\n"
    with running(tmp_path, script, WORKER_COUNT="2", **socket) as server:
        server.wait_until_ready()
        wait_for_the_next(server)
        assert ask_to_reload(tmp_path) == (0, "loaded")
        wait_for_log(server, "Shutting down: Master")
        firsts = {}

        def both():
            pid, number = server.score().json()
            firsts.setdefault(pid, number)
            return len(firsts) == 2

        wait_until(both, server.log)

        assert len(set(firsts.values())) == 2
