"""Starting, changing and failing: what a person meets after the first success."""

import json
import re
import signal
import socket
import subprocess
import time
import uuid

import pytest

from support import SCOREDOCK

pytestmark = pytest.mark.docker


def test_an_edit_of_the_entry_script_rebuilds_no_dependency_layer(scoredock, source, plain_spec):
    options = ["--spec", plain_spec, "--source", source]
    first = scoredock("up", *options)
    script = source / "score.py"
    # Unlike any that BuildKit has seen, in this run or in one before.
    edited = script.read_text().replace("[greeting,", "[greeting.upper(),") + f"# {uuid.uuid4()}\n"
    script.write_text(edited)

    second = scoredock("up", *options)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    steps = [line for line in second.stderr.splitlines() if re.search(r"\[(build|final) ", line)]
    rebuilt = [line for line in steps if not line.endswith("(cached)")]
    assert len(steps) > 5
    assert len(rebuilt) == 1, f"the first build:\n{first.stderr}\nthe second:\n{second.stderr}"
    assert "COPY --from=code" in rebuilt[0]
    assert scoredock("score", "-", stdin="1").stdout == '["HELLO", 1]\n'


def test_an_override_adds_an_apt_package(scoredock, source, plain_spec, container, override):
    install = "apt-get install -y --no-install-recommends tree"
    mine = override("system", f"RUN apt-get update && {install} && rm -rf /var/lib/apt/lists/*")

    started = scoredock("up", "--spec", plain_spec, "--source", source, "--templates", mine)

    assert started.returncode == 0, started.stderr
    assert container().exec_run(["tree", "--version"]).exit_code == 0
    assert scoredock("score", "-", stdin="1").stdout == '["hello", 1]\n'


def test_an_override_sets_a_variable(scoredock, source, plain_spec, container, override):
    value = '{{ "0.5 $HOME" | dockerfile_quote }}'
    mine = override("variables", f"{{{{ super() }}}}\nENV THRESHOLD={value}")

    started = scoredock("up", "--spec", plain_spec, "--source", source, "--templates", mine)

    assert started.returncode == 0, started.stderr
    assert container().exec_run(["printenv", "THRESHOLD"]).output == b"0.5 $HOME\n"


def test_a_rendered_context_is_all_that_docker_build_needs(
    scoredock, source, plain_spec, environment, tmp_path
):
    scoredock("render", "--spec", plain_spec, "--source", source, "--output", tmp_path / "context")
    carried = (tmp_path / "context").rename(tmp_path / "carried")
    secret = ["--secret", f"id=ca_file,src={environment.get('CA_FILE') or '/dev/null'}"]
    built = subprocess.run(
        ["docker", "buildx", "build", "--load", "--tag", environment["IMAGE"], *secret,
         "--build-arg", f"BASE_IMAGE={environment['BASE_IMAGE']}", carried],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    said = subprocess.run(
        ["docker", "run", "--rm", environment["IMAGE"], "cat", "plain/score.py"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert built.returncode == 0, built.stderr
    assert said.stdout == (source / "score.py").read_text()


def test_variables_of_the_spec_reach_the_container_as_they_were_written(
    scoredock, source, plain_spec, container
):
    variables = {"A": "a \"b\" $PATH \\ 'c' é", "WORKER_COUNT": 2}
    (plain_spec / "azureml_environment.json").write_text(
        json.dumps({"name": "plain", "environmentVariables": variables})
    )

    started = scoredock("up", "--spec", plain_spec, "--source", source)

    assert started.returncode == 0, started.stderr
    assert container().exec_run(["printenv", "A"]).output.decode() == "a \"b\" $PATH \\ 'c' é\n"
    assert container().logs().count(b"Booting worker") == 2


def test_a_base_image_that_brings_its_own_packages_only_gets_the_server(
    scoredock, source, tmp_path, engine, environment
):
    packages = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    image = f"{environment['COMPOSE_PROJECT_NAME']}-own:latest"
    dockerfile = tmp_path / "own"
    dockerfile.mkdir()
    (dockerfile / "Dockerfile").write_text(
        f"FROM {environment['BASE_IMAGE']}\n"
        f'RUN echo "value = 7" >"$(python3 -c "{packages}")/brought.py"\n'
    )
    engine.images.build(path=str(dockerfile), tag=image, rm=True)
    (source / "score.py").write_text(
        "import brought\ndef init(): pass\ndef run(raw_data): return brought.value"
    )
    spec = tmp_path / "managed"
    spec.mkdir()
    (spec / "azureml_environment.json").write_text(
        json.dumps({"python": {"userManagedDependencies": True}, "docker": {"baseImage": image}})
    )

    started = scoredock("up", "--spec", spec, "--source", source, BASE_IMAGE="")

    assert started.returncode == 0, started.stderr
    assert scoredock("score", "-", stdin="1").stdout == "7\n"
    scoredock("down")
    engine.images.remove(image, force=True)


def test_a_failing_init_shows_log_and_exit_code_and_leaves_no_container(
    scoredock, source, plain_spec, container
):
    (source / "score.py").write_text(
        "def init(): raise RuntimeError('no such model')\ndef run(raw_data): pass"
    )

    failed = scoredock("up", "--spec", plain_spec, "--source", source)

    assert failed.returncode == 4
    assert "RuntimeError: no such model" in failed.stderr
    assert "error: the service's container ended with exit code 3" in failed.stderr
    with pytest.raises(ValueError, match="not enough values"):
        container()


def test_ctrl_c_while_init_runs_leaves_no_container(
    environment, source, plain_spec, container, port
):
    (source / "score.py").write_text(
        "import time\ndef init(): time.sleep(600)\ndef run(raw_data): pass"
    )
    command = [SCOREDOCK, "up", "--spec", plain_spec, "--source", source]
    up = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    for line in up.stderr:
        if "starting the stack" in line:
            break
    time.sleep(3)

    up.send_signal(signal.SIGINT)

    assert up.wait(timeout=120) == 130, up.stderr.read()
    with pytest.raises(ValueError, match="not enough values"):
        container()


def test_a_port_of_another_container_is_said_to_be_its(
    scoredock, source, plain_spec, engine, environment, port
):
    name = f"{environment['COMPOSE_PROJECT_NAME']}-other"
    other = engine.containers.run(
        environment["BASE_IMAGE"], ["sleep", "600"], detach=True, name=name,
        ports={"80/tcp": ("127.0.0.1", port)},
    )  # fmt: skip

    failed = scoredock("up", "--spec", plain_spec, "--source", source)
    other.remove(force=True)

    assert failed.returncode == 1
    assert f"error: port {port} is in use by container {name}" in failed.stderr


def test_a_failing_build_shows_the_last_lines_of_the_step_that_failed(
    scoredock, source, plain_spec
):
    (plain_spec / "conda_dependencies.yml").write_text(
        "dependencies: [python=3.11, {pip: [no-such-package-of-anyone==1.0]}]"
    )

    failed = scoredock("build", "--spec", plain_spec, "--source", source)

    assert failed.returncode == 4
    lines = [line for line in failed.stderr.splitlines() if line.startswith("  | ")]
    assert 0 < len(lines) <= 20
    assert any("no-such-package-of-anyone" in line for line in lines)
    assert "error: the image build failed in [build 4/4] RUN" in failed.stderr


def test_a_python_that_the_base_image_does_not_have_is_named(scoredock, source, plain_spec):
    (plain_spec / "conda_dependencies.yml").write_text("dependencies: [python=3.9]")

    failed = scoredock("build", "--spec", plain_spec, "--source", source)

    assert failed.returncode == 4
    assert "is Python 3.11, the spec asks for 3.9" in failed.stderr


def test_a_port_in_use_is_said_before_anything_is_built(scoredock, source, plain_spec, port):
    with socket.create_server(("127.0.0.1", port)):
        failed = scoredock("up", "--spec", plain_spec, "--source", source)

    assert failed.returncode == 1
    assert f"error: port {port} is in use by " in failed.stderr
    assert "pid " in failed.stderr
    assert "building" not in failed.stderr


def test_down_leaves_nothing_running_and_says_what_it_stopped(
    scoredock, source, plain_spec, container
):
    scoredock("up", "--spec", plain_spec, "--source", source)

    stopped = scoredock("down")

    assert stopped.stdout.startswith("stopped container ")
    with pytest.raises(ValueError, match="not enough values"):
        container()


def test_logs_prints_what_the_service_said(scoredock, source, plain_spec):
    scoredock("up", "--spec", plain_spec, "--source", source)

    printed = scoredock("logs")

    assert "ready for serving traffic" in printed.stdout


def test_doctor_finds_everything_in_order(scoredock, source, plain_spec):
    examined = scoredock("doctor", "--spec", plain_spec, "--source", source)

    assert examined.returncode == 0, examined.stdout
    found = [line.split()[1] for line in examined.stdout.splitlines() if line.startswith("ok")]
    # What the network settings name comes after these.
    assert found[:7] == ["engine", "compose", "buildx", "disk", "port", "base", "process"]


def test_doctor_names_a_base_image_that_nobody_has(scoredock, source, plain_spec):
    examined = scoredock(
        "doctor", "--spec", plain_spec, "--source", source, BASE_IMAGE="127.0.0.1:9/absent:1"
    )

    assert examined.returncode == 1
    assert "FAIL  base image       127.0.0.1:9/absent:1 is neither here" in examined.stdout
