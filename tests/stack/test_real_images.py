"""Real specs that begin with an image of their own: user-managed ones and Dockerfile texts.

Stand-ins take the place of the images, under names of their own: a mirror of the registry is what
points to them, as it would in a company.
"""

import json
import subprocess
import sys
import uuid

import pytest
from corpus.table import DATA

from support import base_image

JOBLIB = "import joblib"
SUM = "[joblib.__version__, sum(joblib.Parallel()(joblib.delayed(abs)(-x) for x in data[0]))]"

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def stand_in(engine, tmp_path_factory):
    """Make an image of Python X.Y with joblib in it, called MIRROR/`path`; returns MIRROR."""
    mirror, made = f"stand-in-{uuid.uuid4().hex[:8]}", []
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
         "joblib==1.5.2"],
        check=True,
    )  # fmt: skip

    def make(path: str, python: str, *, interpreter: str = "python3") -> str:
        made.append(f"{mirror}/{path}")
        own = interpreter.rpartition("/bin/")[0]
        venv = f"RUN python3 -m venv --without-pip {own}\n" if own else ""
        install = f"{interpreter} -m zipfile -e /*.whl"
        (folder / "Dockerfile").write_text(
            f"FROM {base_image(python)}\nCOPY *.whl /\n{venv}"
            f"RUN {install} $({interpreter} -c 'import site; print(site.getsitepackages()[0])')\n"
        )
        subprocess.run(
            ["docker", "buildx", "build", "--quiet", "--load", "--tag", made[-1], folder],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return mirror

    yield make
    for name in made:
        engine.images.remove(name, force=True)


@pytest.fixture
def network(tmp_path):
    """Write a --network file that names the mirror of a registry."""

    def write(registry: str, mirror: str):
        file = tmp_path / "network.yaml"
        file.write_text(json.dumps({"registry_mirrors": {registry: mirror}}))
        return file

    return write


@pytest.mark.parametrize(
    ("file", "image", "python", "interpreter"),
    [
        (
            "11-dockerfile-path",
            "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04",
            "3.13",
            "python3",
        ),
        (
            "hist-1.45.0-user-managed-registry",
            "registry.example.com/base:1",
            "3.11",
            "/opt/miniconda/bin/python",
        ),
    ],
)
def test_a_user_managed_spec_serves_with_the_packages_of_its_image(
    serve, stand_in, network, file, image, python, interpreter
):
    registry, _, path = image.partition("/")
    settings = network(registry, stand_in(path, python, interpreter=interpreter))

    answer = serve(DATA / "sdk-envs" / file, JOBLIB, SUM, "--network", settings, BASE_IMAGE="")

    assert answer == [["1.5.2", 3.0], python]


def test_packages_are_installed_above_the_dockerfile_of_a_spec(serve, stand_in, network):
    mirror = stand_in("azureml/base:intelmpi2018.3-ubuntu16.04", "3.8")
    settings = network("mcr.microsoft.com", mirror)
    file = DATA / "sdk-envs" / "hist-1.45.0-dockerfile-infstack"
    imports = "import flask"
    expression = "[os.path.isdir('/var/lib/apt/lists/partial'), flask.__file__[:8], data]"

    answer = serve(file, imports, expression, "--network", settings, BASE_IMAGE="")

    assert answer == [[True, "/opt/env", [[3.0]]], "3.8"]
