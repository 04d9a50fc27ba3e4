"""What a program gets from an engine: images, containers, packages."""

import os
import subprocess
import time
import uuid

import pytest
import requests

from scoredock.sdk import Environment, LocalWebservice, Model, Webservice, WebserviceException

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def docker_runtime(engine, monkeypatch):
    monkeypatch.setenv("RUNTIME", "docker")


def change(script, before, after):
    script.write_text(script.read_text().replace(before, after))


@pytest.mark.calls(
    "Environment.build",
    "Environment.build_local",
    "Environment.get_image_details",
    "ImageBuildDetails",
    "ImageBuildDetails.get_log",
    "ImageBuildDetails.status",
    "ImageBuildDetails.wait_for_completion",
    "ImageDetails.dockerfile",
    "ImageDetails.environment_path",
    "ImageDetails.image",
    "ImageDetails.image_exist",
    "ImageDetails.interpreter_path",
    "ImageDetails.registry",
    "ImageDetails.repository",
)
def test_an_image_is_built_once_and_runs_the_python_that_is_told(workspace, plain_spec, engine):
    environment = Environment.load_from_directory(plain_spec)
    environment.environment_variables = {"OWN": uuid.uuid4().hex}  # an image of this test's own
    before = environment.get_image_details(workspace)
    build = environment.build(workspace)

    assert build.wait_for_completion(show_output=False).status == "Succeeded"

    assert before.image in build.get_log()
    details = environment.get_image_details(workspace)
    assert (before.image_exist, details.image_exist) == (False, True)
    assert details.image == details.repository == before.image
    assert details.registry == {"address": None, "username": None, "password": None}
    assert details.environment_path == "/opt/env"
    assert "FROM ${BASE_IMAGE} AS base" in details.dockerfile
    assert environment.build_local(workspace, useDocker=True) == details.image
    said = engine.containers.run(
        details.image, ["-c", "print(3)"], entrypoint=details.interpreter_path, remove=True
    )
    assert said == b"3\n"
    engine.images.remove(details.image)


@pytest.mark.calls("Environment.build", "ImageBuildDetails.status")
def test_a_build_that_fails_is_raised_with_its_log(workspace, plain_spec):
    environment = Environment.load_from_directory(plain_spec)
    environment.python.conda_dependencies.add_pip_package("no-such-package-of-anyone==1.0")
    build = environment.build(workspace)

    with pytest.raises(Exception, match="no-such-package-of-anyone"):
        build.wait_for_completion()

    assert build.status == "Failed"


def test_a_service_in_a_container_through_its_life(
    workspace, name, model, config, script, tmp_path
):
    (tmp_path / "farewell.txt").write_text("bye")
    service = Model.deploy(workspace, name, [model, "farewell.txt"], config)
    service.wait_for_deployment(show_output=True)
    assert service.run("1") == ["bye", "hello", 1]

    change(script, "[*words,", "['new', *words,")
    service.update(models=[model], wait=True)
    assert service.run("1") == ["new", "hello", 1]

    found = Webservice(workspace, name)
    change(script, "'new'", "'newer'")
    found.reload(wait=True)
    answers = [found.run("1")[0] for _ in range(100)]
    assert answers[-1] == "newer"
    assert set(answers) <= {"new", "newer"}

    change(script, "global words", "raise KeyError('no such model')")
    service.update()
    with pytest.raises(WebserviceException, match="KeyError: 'no such model'") as caught:
        service.wait_for_deployment()
    assert "ended with exit code 3" in str(caught.value)
    assert found.run("1") == ["newer", "hello", 1]

    found.delete(delete_image=False)
    assert service.state == "deleted"


def test_a_first_deployment_that_fails_keeps_the_containers_log(workspace, name, config, script):
    script.write_text("def init(): raise KeyError('no such model')\ndef run(data): ...\n")
    service = Model.deploy(workspace, name, [], config)

    with pytest.raises(WebserviceException, match="ended with exit code 3"):
        service.wait_for_deployment()

    assert service.state == LocalWebservice(workspace, name).state == "failed"
    assert "KeyError: 'no such model'" in Webservice(workspace, name).get_logs()


@pytest.mark.calls(
    "Model.package",
    "ModelPackage",
    "ModelPackage.state",
    "ModelPackage.location",
    "ModelPackage.pull",
    "ModelPackage.save",
    "ModelPackage.wait_for_creation",
    "ModelPackage.get_logs",
    "ModelPackage.get_container_registry",
    "ModelPackage.serialize",
)
def test_a_package_serves_with_nothing_but_its_image(workspace, model, config, engine, tmp_path):
    label = uuid.uuid4().hex
    package = Model.package(workspace, [model], config, image_name="test", image_label=label)
    package.wait_for_creation(show_output=True)
    assert package.state == "Succeeded"
    assert package.pull() == package.location == f"test:{label}"
    assert "scoredock/environment:" in package.get_logs()
    assert package.get_container_registry().address is None
    assert package.serialize()["packageType"] == "DockerImage"
    with pytest.raises(WebserviceException, match="there is no Dockerfile to save"):
        package.save(tmp_path / "never")

    folder = Model.package(workspace, [model], config, generate_dockerfile=True)
    folder.save(tmp_path / "package")
    with pytest.raises(WebserviceException, match="is a build context"):
        folder.pull()
    command = ["docker", "build", "--quiet", "--tag", f"test:{label}-folder"]
    subprocess.run(
        [*command, *_build_arguments(), str(tmp_path / "package")], check=True, capture_output=True
    )

    for image in (f"test:{label}", f"test:{label}-folder"):
        assert answer_of(engine, image) == ["hello", 1]
        engine.images.remove(image)


def _build_arguments() -> list[str]:
    secret = os.environ.get("CA_FILE")
    given = ["--build-arg", f"BASE_IMAGE={os.environ['BASE_IMAGE']}"]
    return [*given, "--secret", f"id=ca_file,src={secret}"] if secret else given


def answer_of(engine, image):
    container = engine.containers.run(
        image, detach=True, ports={"5001/tcp": ("127.0.0.1", None)}, read_only=True,
        tmpfs={"/tmp": ""},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while True:
            container.reload()
            bindings = container.ports.get("5001/tcp")
            try:
                url = f"http://127.0.0.1:{bindings[0]['HostPort']}/score"
                return requests.post(url, data="1", timeout=10).json()
            except (requests.ConnectionError, TypeError):
                assert time.monotonic() < deadline, container.logs()
                time.sleep(0.3)
    finally:
        container.remove(force=True)
