"""What a service keeps, and what it does not let happen to itself."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

LISTING = """
import os, pathlib

def init():
    pass

def run(raw_data):
    folder = pathlib.Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(path for path in folder.rglob("*.txt") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in found}
"""


def test_a_model_that_is_served_is_not_deleted_unless_forced(service):
    service.register("second")
    updated = service("service", "update", service.name, "--model", "greeting:2")
    assert updated.returncode == 0, updated.stderr

    served = service("model", "delete", "greeting:2")
    before = service("model", "delete", "greeting:1")
    forced = service("model", "delete", "greeting:1", "--force")

    assert (served.returncode, before.returncode, forced.returncode) == (2, 2, 0)
    assert f"greeting:2 is in use: {service.name} serves it" in served.stderr
    assert f"a rollback of {service.name} would serve it" in before.stderr
    assert "--force" in served.stderr
    assert f"warning: a rollback of {service.name} would serve it" in forced.stderr
    assert service.answer()[:2] == ["one", "second"]


def test_a_port_that_cannot_be_taken_leaves_the_service_on_its_own(service):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = service("service", "update", service.name, "--port", port)

    assert refused.returncode != 0
    assert str(port) in refused.stderr
    assert service.answer()[:2] == ["one", "first"]


def test_an_update_to_another_port_that_fails_goes_back_to_the_old_one(
    service, environment, free_port
):
    script = service.source / "score.py"
    wait = "    if raw_data == 'wait': import time; time.sleep(8)\n    return"
    script.write_text(script.read_text().replace("    return", wait))
    assert service("service", "reload", service.name).returncode == 0
    script.write_text("def init(): raise KeyError('no')\ndef run(x): pass\n")
    # The server that has lost its port works for a client still when the update has failed.
    url = f"http://localhost:{environment['PORT']}/score"
    with ThreadPoolExecutor() as pool:
        pool.submit(requests.post, url, data="wait", timeout=20)
        time.sleep(0.5)

        failed = service(
            "service", "update", service.name, "--source", service.source, "--port", free_port
        )

    assert failed.returncode == 4
    assert "KeyError: 'no'" in failed.stderr
    shown = json.loads(service("service", "show", service.name, "--json").stdout)
    assert (shown["state"], shown["revision"]) == ("running", 1)
    assert str(free_port) not in shown["scoring_uri"]
    assert service.answer()[:2] == ["one", "first"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0

    service.write("two")
    moved = service(
        "service", "update", service.name, "--source", service.source, "--port", free_port
    )
    assert moved.stdout == f"http://localhost:{free_port}/score\n", moved.stderr
    assert service.answer()[0] == "two"


def test_a_search_of_the_model_folder_finds_every_file_of_several_models(service, tmp_path):
    folder = tmp_path / "tree"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "deep" / "deeper" / "leaf.txt").write_text("leaf")
    service("model", "register", folder, "--name", "tree")
    (service.source / "score.py").write_text(LISTING)

    updated = service(
        "service", "update", service.name, "--source", service.source,
        "--model", "greeting", "--model", "tree",
    )  # fmt: skip

    assert updated.returncode == 0, updated.stderr
    assert service.answer() == {
        "greeting/1/model.txt": "first",
        "tree/1/tree/deep/deeper/leaf.txt": "leaf",
    }


def test_registered_models_can_be_verified_when_a_service_starts(service):
    updated = service(
        "service", "update", service.name, "--variable", "SCOREDOCK_VERIFY_MODELS=true"
    )

    assert updated.returncode == 0, updated.stderr
    assert (
        "model greeting:1 is as it was registered"
        in service("service", "logs", service.name).stdout
    )


@pytest.mark.parametrize("command", ["delete", "reload", "rollback", "update"])
def test_a_service_that_is_not_there_leaves_no_folder(scoredock, tmp_path, command):
    workspace = tmp_path / "workspace"
    scoredock("workspace", "init", workspace)

    done = scoredock("service", command, "absent", SCOREDOCK_WORKSPACE=str(workspace))

    assert done.returncode == 2
    assert "no service absent in this workspace" in done.stderr
    assert not (workspace / "services" / "absent").exists()


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
