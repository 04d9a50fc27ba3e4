import signal
import threading
import time

import pytest

from serving import EVALUATE, covers, running, wait_for_log, wait_until, write_files

WATCHED = {"SCOREDOCK_RELOAD": "watch"}
ANSWER = "def init(): pass\ndef run(raw_data): return {!r}\n"


def edit(tmp_path, files):
    write_files(tmp_path / "azureml-app", files)


@covers("SCOREDOCK_RELOAD", "SCOREDOCK_WATCH")
@pytest.mark.parametrize("variables", [{}, {"WORKER_COUNT": "2"}, {"WORKER_PRELOAD": "true"}])
def test_an_edited_script_answers_the_requests_that_follow(tmp_path, variables):
    with running(tmp_path, ANSWER.format("old"), **WATCHED, **variables) as server:
        before = server.wait_until_ready().score().json()
        began = time.monotonic()
        edit(tmp_path, {"code/score.py": ANSWER.format("new")})

        wait_until(lambda: server.score().json() == "new", server.log)
        print(f"the new answer came after {time.monotonic() - began:.2f} s")

        assert before == "old"
        # Of a request to the end of a worker: none of the old ones answers any more.
        wait_for_log(server, "Shutting down: Master")
        assert {server.score().json() for _ in range(5)} == {"new"}
        server.process.send_signal(signal.SIGTERM)
        assert server.exit_code() == 0


def test_a_module_beside_the_script_and_the_configuration_file_are_watched(tmp_path):
    script = "import os, part\ndef init(): pass\n"
    script += "def run(raw_data): return [part.name, os.environ.get('SERVICE_NAME')]\n"
    files = {"code/part.py": "name = 'old'"}
    with running(tmp_path, script, files=files, **WATCHED) as server:
        before = server.wait_until_ready().score().json()
        edit(tmp_path, {"code/part.py": "name = 'new'"})
        wait_until(lambda: server.score().json() == ["new", None], server.log)
        edit(tmp_path, {"config.json": '{"SERVICE_NAME": "named"}'})
        wait_until(lambda: server.score().json() == ["new", "named"], server.log)

        assert before == ["old", None]


def test_a_newer_model_is_loaded_once_its_files_are_there(tmp_path):
    script = "import os\ndef init(): pass\n"
    script += "def run(raw_data): return os.environ['AZUREML_MODEL_DIR'].split(os.sep)[-1]\n"
    models = "azureml-models/digits"
    older = {"SCOREDOCK_WATCH": "true"}  # the name that it had
    with running(tmp_path, script, files={f"{models}/9/model": ""}, **older) as server:
        before = server.wait_until_ready().score().json()
        edit(tmp_path, {f"{models}/10/model": "newer"})

        wait_until(lambda: server.score().json() == "10", server.log)

        assert before == "9"


def test_what_cannot_be_loaded_is_told_and_the_old_one_answers_until_it_is_mended(tmp_path):
    with running(tmp_path, ANSWER.format("old"), **WATCHED) as server:
        server.wait_until_ready()
        edit(tmp_path, {"code/score.py": "def init(): pass\ndef run(raw_data:\n"})
        wait_for_log(server, "It cannot be loaded: the server ended with exit code 3")
        during = [server.score().json() for _ in range(5)]
        edit(tmp_path, {"code/score.py": ANSWER.format("mended")})
        wait_until(lambda: server.score().json() == "mended", server.log)

        assert during == ["old"] * 5
        assert 'score.py", line 2' in server.log()


def test_no_request_fails_while_a_script_is_edited_again_and_again(tmp_path):
    with running(tmp_path, ANSWER.format(0), **WATCHED) as server:
        server.wait_until_ready()
        statuses, is_over = [], threading.Event()

        def ask():
            while not is_over.is_set():
                statuses.append(server.score().status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        for number in range(1, 6):
            edit(tmp_path, {"code/score.py": ANSWER.format(number)})
            time.sleep(0.4)
        wait_until(lambda: server.score().json() == 5, server.log)
        is_over.set()
        asking.join()

        assert set(statuses) == {200}


def test_a_request_that_was_begun_is_answered_by_the_script_that_began_it(tmp_path):
    slow = EVALUATE + "\nname = '{}'\n"
    with running(tmp_path, slow.format("old"), **WATCHED) as server:
        server.wait_until_ready()
        answers = []
        begun = "(open(os.environ['OUT'], 'w').close(), time.sleep(3), name)[2]"
        asking = threading.Thread(target=lambda: answers.append(server.score(begun).json()))
        asking.start()
        wait_until((tmp_path / "out").exists, server.log)
        edit(tmp_path, {"code/score.py": slow.format("new")})

        wait_for_log(server, "it serves from now on")
        new = server.score("name").json()
        asking.join()

        assert (new, answers) == ("new", ["old"])


def test_an_edit_replaces_one_that_still_loads(tmp_path):
    endless = "import time\nprint('endless')\ntime.sleep(600)\n" + ANSWER.format("endless")
    with running(tmp_path, ANSWER.format("old"), **WATCHED) as server:
        server.wait_until_ready()
        edit(tmp_path, {"code/score.py": endless})
        wait_for_log(server, "endless")
        edit(tmp_path, {"code/score.py": ANSWER.format("new")})

        wait_until(lambda: server.score().json() == "new", server.log)


def test_a_script_that_cannot_be_loaded_at_the_start_ends_the_server(tmp_path):
    with running(tmp_path, "def init(): raise RuntimeError('no model')", **WATCHED) as server:
        assert server.exit_code() == 3
        assert "defines no function run()" in server.log()


def test_a_hangup_loads_the_script_anew(tmp_path):
    script = "label = open('label.txt').read()\n"
    script += "def init(): pass\ndef run(raw_data): return label\n"
    with running(tmp_path, script, files={"label.txt": "old"}, **WATCHED) as server:
        before = server.wait_until_ready().score().json()
        edit(tmp_path, {"label.txt": "new"})
        server.process.send_signal(signal.SIGHUP)

        wait_until(lambda: server.score().json() == "new", server.log)

        assert before == "old"
