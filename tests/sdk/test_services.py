"""Services of a program, in the process runtime."""

import subprocess
import sys
import time
from datetime import datetime

import pytest
import requests

from dap import attach, read_configuration, score_in_background
from scoredock.port import free_port
from scoredock.sdk import (
    CondaDependencies,
    LocalWebservice,
    Model,
    UserErrorException,
    Webservice,
    WebserviceException,
)
from serving import wait_until


@pytest.fixture(autouse=True)
def process_runtime(monkeypatch):
    monkeypatch.setenv("RUNTIME", "process")


@pytest.fixture
def service(workspace, name, model, config):
    made = Model.deploy(workspace, name, [model], config)
    made.wait_for_deployment()
    return made


def change(script, before, after):
    script.write_text(script.read_text().replace(before, after))


@pytest.mark.calls(
    "Model.deploy",
    "LocalWebservice.wait_for_deployment",
    "LocalWebservice.run",
    "LocalWebservice.port",
    "LocalWebservice.scoring_uri",
    "Webservice.port",
    "Webservice.scoring_uri",
    "Webservice.swagger_uri",
    "Webservice.state",
    "Webservice.error",
)
def test_deploy_returns_at_once_and_waiting_ends_with_a_service_that_answers(
    workspace, name, model, config, port, capsys
):
    service = Model.deploy(
        workspace=workspace,
        name=name,
        models=[model],
        inference_config=config,
        deployment_config=LocalWebservice.deploy_configuration(port=port),
    )
    assert service.state == "deploying"
    assert service.scoring_uri == f"http://localhost:{port}/score"
    service.wait_for_deployment(show_output=True)

    assert (service.state, service.port, service.error) == ("running", str(port), None)
    assert service.swagger_uri == f"http://localhost:{port}/swagger.json"
    assert requests.post(service.scoring_uri, data="1", timeout=10).json() == ["hello", 1]
    assert service.run({"a": [1]}) == ["hello", {"a": [1]}]
    assert service.run("[2]") == ["hello", [2]]
    assert service.run(b"3") == ["hello", 3]
    printed = capsys.readouterr().out
    assert "ready for serving traffic" in printed
    assert printed.endswith(f"Local webservice is running at {service.scoring_uri}\n")


@pytest.mark.calls(
    "Webservice",
    "Webservice.serialize",
    "Webservice.models",
    "Webservice.image_id",
    "Webservice.tags",
    "Webservice.properties",
    "Webservice.description",
    "Webservice.created_time",
    "Webservice.updated_time",
    "LocalWebservice.get_logs",
    "LocalWebservice.reload",
    "LocalWebservice.update_deployment_state",
)
def test_a_service_found_by_name_is_as_good_as_the_one_that_was_deployed(
    workspace, service, name, script
):
    found = Webservice(workspace, name)
    assert isinstance(found, LocalWebservice)
    change(script, "[*words,", "['new', *words,")
    found.reload(wait=True)
    found.update_deployment_state(must_exist=True)

    deadline = time.monotonic() + 30
    while found.run("1") != ["new", "hello", 1]:  # the old worker ends what it has begun
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found.models == ["greeting:1"]
    assert "environments" in found.image_id
    assert (found.tags, found.properties, found.description) == ({}, {}, "")
    assert isinstance(found.created_time, datetime)
    assert found.updated_time >= found.created_time
    wait_until(lambda: "POST /score 200" in found.get_logs())
    assert len(found.get_logs(num_lines=2).splitlines()) == 2
    told = found.serialize()
    assert (told["state"], told["computeType"], told["workspaceName"]) == (
        "running",
        "Local",
        "test",
    )


def test_a_script_that_cannot_be_loaded_is_an_error_of_reload_and_the_old_one_serves(
    service, script
):
    change(script, "global words", "raise KeyError('no such model')")

    with pytest.raises(WebserviceException, match="KeyError: 'no such model'"):
        service.reload()

    assert service.state == "running"
    assert service.run("1") == ["hello", 1]


@pytest.mark.calls("LocalWebservice.update")
def test_update_takes_the_script_as_it_is_and_what_is_named(workspace, service, script, tmp_path):
    (tmp_path / "farewell.txt").write_text("bye")
    change(script, "[*words,", "['new', *words,")

    service.update(models=[Model(workspace, "greeting"), "farewell.txt"], wait=True)

    assert service.run("1") == ["new", "bye", "hello", 1]
    assert service.models == ["greeting:1", "farewell.txt:0"]


def test_an_update_that_does_not_start_leaves_the_old_one_and_says_why(service, script):
    change(script, "global words", "raise KeyError('no such model')")

    service.update()
    with pytest.raises(WebserviceException, match="KeyError: 'no such model'"):
        service.wait_for_deployment()

    assert service.state == "running"
    assert "exit code" in service.error
    assert service.run("1") == ["hello", 1]


def test_a_failing_init_is_raised_with_its_log_and_exit_code_and_mended_by_an_update(
    workspace, name, model, config, script
):
    text = script.read_text()
    change(script, "global words", "raise KeyError('no such model')")
    service = Model.deploy(workspace, name, [model], config)

    with pytest.raises(WebserviceException, match="ended with exit code 3") as caught:
        service.wait_for_deployment()

    assert "KeyError: 'no such model'" in str(caught.value)
    assert service.state == "failed"
    assert "no such model" in service.get_logs()
    with pytest.raises(WebserviceException, match=r"Cannot call run\(\) when service is failed"):
        service.run("1")
    script.write_text(text)
    service.update(wait=True)
    assert service.run("1") == ["hello", 1]


def test_what_run_answers_with_an_error_is_shown_and_asked_only_once(service, script):
    with pytest.raises(WebserviceException) as caught:
        service.run("no JSON")

    assert "answered 500" in str(caught.value)
    assert "An unexpected error occurred in scoring script" in str(caught.value)
    # A line is written once the answer has been sent.
    wait_until(lambda: "POST /score 500" in service.get_logs())
    assert service.get_logs().count("POST /score 500") == 1


@pytest.mark.calls("LocalWebservice.delete", "LocalWebservice.list", "Webservice.list")
def test_services_are_listed_until_they_are_deleted(workspace, service, name):
    assert [each.name for each in LocalWebservice.list(workspace, model_name="greeting")] == [name]
    assert [each.name for each in Webservice.list(workspace, model_id="greeting:1")] == [name]
    assert Webservice.list(workspace, model_name="other") == []
    assert Webservice.list(workspace, compute_type="ACI") == []
    other = Webservice(workspace, name)

    service.delete()

    assert (service.state, other.state) == ("deleted", "deleted")
    assert Webservice.list(workspace) == []
    assert list(workspace.inner.services.iterdir()) == []
    with pytest.raises(WebserviceException, match=r"Cannot call run\(\) when service is deleted"):
        service.run("1")
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(workspace, name)


@pytest.mark.calls("LocalWebservice")
def test_a_service_that_is_not_there_is_found_only_when_it_need_not_be(workspace):
    assert LocalWebservice(workspace, "absent", False).state == "unknown"
    with pytest.raises(WebserviceException, match="No local container with name absent"):
        LocalWebservice(workspace, "absent")


@pytest.mark.calls(
    "LocalWebservice.deploy_to_cloud",
    "LocalWebservice.deserialize",
    "LocalWebservice.get_keys",
    "LocalWebservice.get_token",
    "LocalWebservice.regen_key",
)
def test_what_only_the_cloud_has_is_refused(workspace, name):
    service = LocalWebservice(workspace, name, must_exist=False)
    assert service.state == "unknown"
    assert (service.port, service.scoring_uri, service.swagger_uri) == (None, None, None)

    for method, arguments in (
        (service.deploy_to_cloud, ()),
        (service.get_keys, ()),
        (service.get_token, ()),
        (service.regen_key, ("primary",)),
        (LocalWebservice.deserialize, (workspace, {})),
    ):
        with pytest.raises(NotImplementedError):
            method(*arguments)
    with pytest.raises(
        WebserviceException, match=r"Cannot call get_logs\(\) when service is unknown"
    ):
        service.get_logs()


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"name": "No"}, WebserviceException, "expected a name of 3 to 32"),
        ({"inference_config": None}, WebserviceException, "expected an inference configuration"),
        ({"inference_config": "score.py"}, WebserviceException, "expected an InferenceConfig"),
        ({"deployment_config": 6789}, WebserviceException, "expected one of LocalWebservice"),
        ({"models": ["nothing"]}, FileNotFoundError, "neither a registered model nor a file"),
    ],
)
def test_what_cannot_be_deployed_is_refused_at_once(workspace, name, config, change, kind, message):
    arguments = {"name": name, "models": [], "inference_config": config} | change

    with pytest.raises(kind, match=message):
        Model.deploy(workspace, **arguments)

    assert workspace.webservices == {}


def test_two_models_of_one_basename_are_refused(workspace, name, config, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.txt").write_text(folder)

    with pytest.raises(WebserviceException, match=r"two models are called model\.txt"):
        Model.deploy(workspace, name, ["a/model.txt", "b/model.txt"], config)

    assert workspace.webservices == {}


def test_the_programs_files_may_go_once_deploy_has_returned(workspace, name, config, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "greeting.txt").write_text("hello")
    service = Model.deploy(workspace, name, ["model/greeting.txt"], config)
    (tmp_path / "model" / "greeting.txt").unlink()

    service.wait_for_deployment()

    assert service.run("1") == ["hello", 1]


def test_an_environment_that_cannot_be_made_is_raised_by_deploy(workspace, name, config):
    config.environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=["no-such-package-of-anyone==1.0"], python_version="3.11"
    )

    with pytest.raises(WebserviceException, match="no-such-package-of-anyone"):
        Model.deploy(workspace, name, [], config)


def test_an_image_without_packages_of_ours_needs_an_engine(workspace, name, config):
    config.environment.docker.base_dockerfile = "FROM debian\nCOPY missing /\n"

    with pytest.raises(UserErrorException, match="takes 'missing' from a build context"):
        Model.deploy(workspace, name, [], config)


def test_the_programs_own_objects_are_never_changed(service, config, environment_of_service):
    assert environment_of_service.environment_variables == {}
    assert (config.entry_script, config.source_directory) == ("score.py", None)


def test_a_source_directory_is_served_without_the_workspace_in_it(
    workspace, name, model, environment_of_service, script, tmp_path
):
    from scoredock.sdk import InferenceConfig

    (tmp_path / "helper.py").write_text("WORD = 'helped'\n")
    change(script, "[*words,", "[__import__('helper').WORD, *words,")
    config = InferenceConfig("score.py", source_directory=".", environment=environment_of_service)

    service = Model.deploy(workspace, name, [model], config)
    service.wait_for_deployment()

    assert service.run("1") == ["helped", "hello", 1]
    copied = workspace.inner.services / name / "revisions" / "1" / "code"
    assert "helper.py" in [path.name for path in copied.iterdir()]
    assert list(copied.rglob("workspace.json")) == []


def test_a_program_that_ends_at_once_has_deployed_all_the_same(workspace, name, model, config):
    config.environment.register(workspace)
    program = (
        "from scoredock.sdk import *\n"
        f"ws = Workspace.from_config({str(workspace.folder)!r})\n"
        "config = InferenceConfig('score.py', environment=Environment.get(ws, 'plain'))\n"
        f"Model.deploy(ws, {name!r}, [Model(ws, 'greeting')], config)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)

    assert ended.returncode == 0, ended.stderr
    assert Webservice(workspace, name).run("1") == ["hello", 1]


def test_a_program_that_ends_at_once_tells_why_nothing_serves(
    workspace, name, model, config, script
):
    config.environment.register(workspace)
    change(script, "global words", "raise KeyError('no such model')")
    program = (
        "from scoredock.sdk import *\n"
        f"ws = Workspace.from_config({str(workspace.folder)!r})\n"
        "config = InferenceConfig('score.py', environment=Environment.get(ws, 'plain'))\n"
        f"Model.deploy(ws, {name!r}, [Model(ws, 'greeting')], config)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)

    assert "KeyError: 'no such model'" in ended.stderr
    assert "ended with exit code 3" in ended.stderr
    assert Webservice(workspace, name).state == "failed"


@pytest.mark.calls(
    "Model.profile",
    "ModelProfile",
    "ModelProfile.wait_for_completion",
    "ModelProfile.get_details",
    "ModelProfile.serialize",
    "ModelProfile.state",
)
def test_a_profile_measures_and_leaves_nothing(workspace, model, config):
    profile = Model.profile(workspace, "first", [model], config, input_data={"a": 1}, requests=5)
    profile.wait_for_completion(show_output=True)

    details = profile.get_details()
    assert (profile.state, details["totalQueries"], details["successRate"]) == ("Succeeded", 5, 100)
    assert 0 < details["latencyPercentile50InMs"] <= details["latencyPercentile99InMs"]
    assert profile.serialize() == details
    assert workspace.webservices == {}


def test_a_program_lets_a_debugger_in(workspace, name, model, config, script, tmp_path):
    service = Model.deploy(workspace, name, [model], config, debug=True, debug_port=free_port())
    service.wait_for_deployment()

    client = attach(read_configuration(tmp_path), script, "return [*words")
    asking, answers = score_in_background(service.scoring_uri)
    thread, frame = client.stopped()
    words = client.value("words", frame)
    client.request("continue", threadId=thread)
    asking.join(60)
    client.close()

    assert (frame["source"]["path"], words) == (str(script), "['hello']")
    assert answers[0].json() == ["hello", 1]
