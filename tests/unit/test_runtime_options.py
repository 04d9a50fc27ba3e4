import pytest
import yaml

from scoredock.errors import SpecError
from scoredock.render import render
from scoredock.resolve import resolve
from scoredock.runtime_options import runtime_options
from scoredock.templates import load_templates

from .builders import CODE, spec

ALL_GPUS = {
    "resources": {
        "reservations": {"devices": [{"driver": "nvidia", "capabilities": ["gpu"], "count": "all"}]}
    }
}


def options(*arguments, **docker):
    return runtime_options(spec(docker={"arguments": list(arguments), **docker}))[0]


def notes(*arguments):
    return runtime_options(spec(docker={"arguments": list(arguments)}))[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--gpus", "all"], {"deploy": ALL_GPUS}),
        (["--gpus all"], {"deploy": ALL_GPUS}),
        (["--gpus=all"], {"deploy": ALL_GPUS}),
        (["--runtime=nvidia"], {"deploy": ALL_GPUS}),
        (["--shm-size", "2G"], {"shm_size": "2g"}),
        (["-m", "4g"], {"mem_limit": "4g"}),
        (["-m4g"], {"mem_limit": "4g"}),
        (["--memory-swap=8g", "--cpus", "1.5"], {"memswap_limit": "8g", "cpus": "1.5"}),
        (["--memory-swap", "-1", "--pids-limit=-1"], {"memswap_limit": "-1", "pids_limit": "-1"}),
        (["-v", "/a:/b", "-v/c:/d:ro"], {"volumes": ["/a:/b", "/c:/d:ro"]}),
        (["-e", "A=b c", "--env", "B="], {"environment": {"A": "b c", "B": ""}}),
        (["-e", "A=-1"], {"environment": {"A": "-1"}}),
        (["-e", "HTTP_PROXY"], {"environment": {"HTTP_PROXY": None}}),
        (["--ipc", "host"], {"ipc": "host"}),
        (["--ulimit", "memlock=-1:-1"], {"ulimits": {"memlock": {"soft": -1, "hard": -1}}}),
        (["--ulimit", "nofile=5"], {"ulimits": {"nofile": {"soft": 5, "hard": 5}}}),
        (["--tmpfs", "/x", "--tmpfs", "/y"], {"tmpfs": ["/x", "/y"]}),
        (["--add-host=a:1.2.3.4"], {"extra_hosts": ["a:1.2.3.4"]}),
        (["--rm", "-it", "--shm-size", "1g"], {"shm_size": "1g"}),
        (["--memory-swappiness", "0", "--memory", "1g"], {"mem_limit": "1g"}),
        (["--cap-add", "SYS_PTRACE", "--cpus=1"], {"cpus": "1"}),
    ],
)
def test_an_argument_of_docker_run_is_a_key_of_the_compose_service(arguments, expected):
    assert options(*arguments) == expected


@pytest.mark.parametrize(
    ("value", "device"),
    [
        ("2", {"count": 2}),
        ("device=0", {"device_ids": ["0"]}),
        ('"device=0,1"', {"device_ids": ["0", "1"]}),
    ],
)
def test_some_gpus_are_asked_for_by_number_or_by_name(value, device):
    [found] = options("--gpus", value)["deploy"]["resources"]["reservations"]["devices"]

    assert found == {"driver": "nvidia", "capabilities": ["gpu"], **device}


def test_gpu_support_of_the_first_versions_means_every_gpu():
    assert options(gpuSupport=True) == {"deploy": ALL_GPUS}
    assert options(gpuSupport=False) == {}


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ({"os": "Linux", "architecture": "amd64"}, {}),
        ({"architecture": None}, {}),
        ({"os": "linux", "architecture": "ARM64"}, {"platform": "linux/arm64"}),
    ],
)
def test_a_platform_is_written_unless_it_is_the_one_that_the_sdk_always_writes(platform, expected):
    assert options(platform=platform) == expected


@pytest.mark.parametrize(
    "argument",
    ["--privileged", "--cap-add=ALL", "--network=host", "--pid=host", "--device=/dev/x",
     "--security-opt=seccomp=unconfined"],
)  # fmt: skip
def test_what_opens_the_container_is_not_applied_and_said(argument):
    assert options(argument) == {}
    assert len(notes(argument)) == 1
    assert "opens the container to this machine" in notes(argument)[0]
    assert "compose.override.yaml" in notes(argument)[0]


@pytest.mark.parametrize("argument", ["--rm", "-p=80:80", "--name=x", "--restart=always"])
def test_what_compose_decides_is_named(argument):
    assert options(argument) == {}
    assert "has no effect: the container is run by compose.yaml" in notes(argument)[0]


@pytest.mark.parametrize("arguments", [["-v", "/a:/b"], ["--ipc=host"]])
def test_what_shares_this_machine_is_applied_and_said(arguments):
    assert options(*arguments)
    assert len(notes(*arguments)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["all"], "[0]: expected an argument of docker run, found 'all'"),
        (["--shm-size"], "[0]: expected a value after --shm-size, found none"),
        (["--rm", "--memory", "--init"], "[1]: expected a value after --memory, found none"),
        (["--shm-size=big"], "[0]: expected a size as 2g or 512m, found 'big'"),
        (["--cpus=two"], "[0]: expected a number, found 'two'"),
        (["--ulimit=x"], "[0]: expected NAME=SOFT[:HARD], found 'x'"),
        (["--gpus=many"], "[0]: expected all, a number or device=ID, found 'many'"),
        (["--runtime=runsc"], "[0]: expected nvidia, found 'runsc'"),
        (["-v", "data:/b"], "[0]: expected an absolute folder of this machine, found 'data:/b'"),
        (["-e", "A=b\nc"], "[0]: expected one line of text, found 'A=b\\nc'"),
    ],
)
def test_an_argument_that_docker_would_refuse_is_refused_where_it_stands(arguments, message):
    with pytest.raises(SpecError) as caught:
        options(*arguments)

    assert str(caught.value) == f"docker.arguments{message}"


def test_the_rendered_file_holds_the_options_and_compose_leaves_their_dollars():
    env, _ = resolve(spec(docker={"shmSize": "1g", "arguments": ["-e", 'A=$HOME "x"']}))

    text = render(env, CODE, load_templates())["compose.service.yaml"]

    assert yaml.safe_load(text) == {
        "services": {"scoring": {"shm_size": "1g", "environment": {"A": '$$HOME "x"'}}}
    }


def test_without_options_the_rendered_file_is_an_empty_service():
    env, _ = resolve(spec())

    text = render(env, CODE, load_templates())["compose.service.yaml"]

    assert yaml.safe_load(text) == {"services": {"scoring": {}}}
