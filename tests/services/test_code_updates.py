"""An update that changes the code only is made by the server that is there."""

import json
import os
import signal

import docker
import pytest


@pytest.fixture
def server_of(service, runtime):
    """Tell which container or process it is that serves."""

    def found():
        record = json.loads((services(service) / "service.json").read_text())
        [current] = [each for each in record["revisions"] if each["number"] == record["current"]]
        number = current["server"] or current["number"]
        if runtime == "docker":
            return docker.from_env().containers.get(f"{service.name}-scoring-{number}-1").id
        return json.loads((services(service) / "run" / f"{number}.json").read_text())["pid"]

    return found


def services(service):
    return service.source.parent / "workspace" / "services" / service.name


def update(service, *arguments):
    updated = service("service", "update", service.name, "--source", service.source, *arguments)
    assert updated.returncode == 0, updated.stderr
    return updated.stderr


def test_the_server_that_is_there_serves_the_new_code_and_goes_back(service, server_of):
    first = server_of()
    service.write("two")
    said = update(service)

    assert "loading revision 2" in said
    assert service.answer()[0] == "two"
    service("service", "rollback", service.name)
    assert service.answer()[0] == "one"
    service("service", "rollback", service.name)
    assert service.answer()[0] == "two"
    assert server_of() == first


def test_what_differs_in_more_than_the_code_has_a_server_of_its_own(service, server_of):
    service.write("two")
    update(service)
    first = server_of()
    service.register("second")
    said = update(service, "--model", "greeting")

    assert "starting revision 3" in said
    assert "stopping revision 2" in said
    assert service.answer()[:2] == ["two", "second"]
    third = server_of()
    assert third != first
    # Back to a revision that has shared a server which is gone.
    service("service", "rollback", service.name)
    assert service.answer()[:2] == ["two", "first"]
    assert server_of() not in (first, third)
    live = [path.name for path in (services(service) / "live").iterdir()]
    assert live == ["2"]


def test_code_with_hooks_is_run_by_a_server_that_has_run_them(service, server_of):
    first = server_of()
    hooks = service.source / "entrypoint.d"
    hooks.mkdir()
    (hooks / "colour.sh").write_text("export COLOUR=blue\n")
    update(service)

    assert service.answer()[2] == "blue"
    assert server_of() != first


def test_code_that_cannot_be_loaded_leaves_the_files_of_the_one_that_serves(service, server_of):
    first = server_of()
    script = service.source / "score.py"
    script.write_text(script.read_text() + "raise KeyError('no such model')\n")
    refused = service("service", "update", service.name, "--source", service.source)

    assert refused.returncode
    assert "KeyError: 'no such model'" in refused.stderr
    assert "exit code 3" in refused.stderr
    [live] = (services(service) / "live").iterdir()
    served = services(service) / "revisions" / "1" / "code" / "score.py"
    assert (live / "score.py").read_text() == served.read_text()
    assert [path.name for path in (services(service) / "revisions").iterdir()] == ["1"]
    assert service.answer()[0] == "one"
    assert server_of() == first


@pytest.mark.parametrize("runtime", ["process"], indirect=True)
def test_what_a_server_needs_is_kept_while_it_serves_any_revision(service, server_of):
    first = server_of()
    for number in range(12):  # more than revisions are kept
        service.write(str(number))
        update(service)

    assert server_of() == first
    assert service.answer() == ["11", "first", None]
    assert service("service", "logs", service.name).stdout
    assert "revision 1" not in service("service", "show", service.name).stdout


def test_a_server_that_has_ended_is_started_again_by_an_update(service, runtime, server_of):
    if runtime == "docker":
        docker.from_env().containers.get(server_of()).remove(force=True)
    else:
        os.killpg(server_of(), signal.SIGKILL)
    service.write("two")
    update(service)

    assert service.answer()[0] == "two"
