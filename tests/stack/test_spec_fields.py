"""Fields of a spec, seen in the image and the container that are made of it."""

import json
import subprocess
import tarfile

import pytest
import yaml

from support import ROOT, base_image

pytestmark = pytest.mark.docker

DOCKERFILE = f"""\
# syntax=docker/dockerfile:1
ARG BASE_IMAGE=registry.invalid/python:3
FROM {base_image("3.11")} AS build
COPY sub/*.txt /from/
RUN <<EOF
echo made >/from/made.txt
EOF

FROM ${{BASE_IMAGE}}
COPY --from=build /from /from
ADD ["archive.tar", "/unpacked"]
RUN --mount=type=bind,source=sub,target=/mnt cp /mnt/a.txt /from/mounted.txt
USER 65534
ENTRYPOINT ["false"]
CMD ["--no-option-of-the-server"]
"""


@pytest.fixture
def dockerfile_context(tmp_path):
    """A v2 environment whose Dockerfile takes files of its context in every way there is."""
    folder = tmp_path / "context"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a\n")
    (folder / "unused.bin").write_text("left out")
    (folder / ".dockerignore").write_text("*.bin\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    with tarfile.open(folder / "archive.tar", "w") as archive:
        archive.add(folder / "sub" / "a.txt", "inside.txt")
    spec = tmp_path / "env.yml"
    spec.write_text("name: own-dockerfile\nbuild: {path: context}\n")
    return spec


def test_an_environment_of_a_dockerfile_with_files_serves(
    scoredock, source, dockerfile_context, container
):
    # The text leaves open what its last stage starts from.
    started = scoredock(
        "up", "--spec", dockerfile_context, "--source", source, "--base-image", base_image("3.11")
    )

    assert started.returncode == 0, started.stderr
    assert "the stage 'build' is called 'user-build'" in started.stderr
    assert scoredock("score", "-", stdin="1").stdout == '["hello", 1]\n'
    script = "cat /from/a.txt /from/made.txt /from/mounted.txt /unpacked/inside.txt; id -u; ls /"
    told = container().exec_run(["sh", "-c", script]).output.decode()
    assert told.startswith("a\nmade\na\na\n1000\n")
    assert "unused.bin" not in told


def test_what_a_dockerignore_is_expected_to_leave_out_is_what_the_engine_leaves_out(tmp_path):
    source = tmp_path / "source"
    names = ["a", "ab", "deep/a", "deep/ab", "deep/er/a", "deep/er/b.py", "x.py", "[", "Upper"]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    recorded = (ROOT / "tests" / "unit" / "dockerignore.tsv").read_text().splitlines()
    for number, line in enumerate(recorded[::20]):
        patterns, left_out = map(json.loads, line.split("\t"))
        (tmp_path / "Dockerfile.dockerignore").write_text("\n".join(patterns))
        output = tmp_path / f"output{number}"
        subprocess.run(
            ["docker", "build", "--quiet", "--file", dockerfile, "--output", output, source],
            check=True,
        )
        found = [name for name in names if not (output / name).is_file()]
        assert found == left_out, patterns


def test_a_converted_dockerfile_environment_builds_the_same(
    scoredock, source, dockerfile_context, tmp_path
):
    scoredock("convert", dockerfile_context, "--output", tmp_path / "saved")

    built = scoredock("build", "--spec", tmp_path / "saved", "--source", source)

    assert built.returncode == 0, built.stderr


def test_arguments_of_docker_run_reach_the_container(
    scoredock, source, plain_spec, container, tmp_path
):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.txt").write_text("of the host")
    docker = {
        "shmSize": "96m",
        "arguments": [
            "-e", "GREETING=it's $HOME \"here\"", "--ulimit", "nofile=2048:4096", "--memory=512m",
            "-v", f"{tmp_path}/shared:/shared:ro", "--tmpfs", "/scratch", "--privileged",
        ],
    }  # fmt: skip
    (plain_spec / "azureml_environment.json").write_text(
        json.dumps({"name": "x", "docker": docker})
    )

    started = scoredock("up", "--spec", plain_spec, "--source", source)

    assert started.returncode == 0, started.stderr
    assert "--privileged is not applied" in started.stderr
    found = container()
    script = (
        "printenv GREETING; ulimit -Sn; df -k /dev/shm | tail -1; cat /shared/a.txt; ls -d /scratch"
    )
    told = found.exec_run(["sh", "-c", script]).output.decode().splitlines()
    assert told[0] == 'it\'s $HOME "here"'
    assert told[1] == "2048"
    assert told[2].split()[1] == str(96 * 1024)
    assert told[3:] == ["of the host/scratch"]
    limits = found.attrs["HostConfig"]
    assert (limits["Memory"], limits["Privileged"]) == (512 * 1024**2, False)
    # What compose.yaml itself says stays.
    assert limits["ReadonlyRootfs"]
    assert limits["CapDrop"] == ["ALL"]


def test_plain_compose_takes_the_rendered_options_in(compose, environment, tmp_path):
    file = tmp_path / "compose.service.yaml"
    file.write_text('services:\n  scoring:\n    "shm_size": "1g"\n    "platform": "linux/arm64"\n')

    plain = yaml.safe_load(compose("config").stdout)["services"]["scoring"]
    environment["SERVICE_FILE"] = str(file)
    with_options = yaml.safe_load(compose("config").stdout)["services"]["scoring"]

    assert plain.keys() & {"shm_size", "platform"} == set()
    assert with_options["shm_size"] == str(1024**3)
    assert with_options["platform"] == "linux/arm64"
    assert with_options["volumes"] == plain["volumes"]


@pytest.mark.parametrize("form", ["conda.yaml", "deployment.yml"])
def test_a_file_of_another_form_is_served_by_its_name(scoredock, source, tmp_path, form):
    texts = {
        "conda.yaml": "dependencies: [python=3.11, {pip: []}]\n",
        "deployment.yml": "endpoint_name: e\nenvironment:\n  conda_file: conda.yaml\n"
        "environment_variables: {GREETING: hi}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    built = scoredock("build", "--spec", tmp_path / form, "--source", source)

    assert built.returncode == 0, built.stderr
