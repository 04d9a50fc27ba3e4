"""Real specs with conda packages become services: conda-forge and defaults are a channel of ours.

It has the Pythons of this machine and what the specs name, in the versions that they name.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from corpus.table import DATA

from channel.make import make_channel
from package_server import PackageServer
from support import base_image

EXAMPLES = "Azure+azureml-examples"
SIMPLE_FLOW = "conda/Azure+AML-Kubernetes/examples/inference/simple-flow/model/conda.yml"
MANAGED = "cli/endpoints/online/managed/managed-identities/2-sai-deployment.yml"
# What the specs need, by the Python that it is for; what any Python can use is in the last.
WHEELS = {
    "3.7": ["numpy==1.21.2", "scipy==1.7.1", "scikit-learn==0.24.2", "pip==21.2.4"],
    "3.9": ["numpy==1.24.4", "scipy==1.11.4", "scikit-learn==1.3.2", "pip==23.3.2"],
    "3.12": ["numpy==2.3.1", "scipy==1.16.0", "scikit-learn==1.7.0", "pip==25.1.1"],
    "": ["joblib==1.3.2", "threadpoolctl==3.1.0", "setuptools==69.0.3", "wheel==0.42.0"],
}
# Packages that an export of conda's lists, and that nothing is taken from here.
EMPTY = {
    "_libgcc_mutex": "0.1",
    "ca-certificates": "2023.11.17",
    "libblas": "3.9.0",
    "openssl": "3.2.0",
}
IMPORTS = "import joblib, numpy, sklearn\nfrom sklearn.linear_model import LinearRegression"
LINEAR = "round(LinearRegression().fit([[0], [1]], [0, 2]).predict(data)[0], 6)"
VERSIONS = "[module.__version__ for module in (sklearn, numpy, joblib)]"

pytestmark = pytest.mark.docker


def homes(*versions: str) -> list[Path]:
    """Return where pyenv has these Pythons; without one the test is skipped, or fails with CI."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [sorted(pyenv.glob(f"{version}.*"))[-1:] for version in versions]
    if not all(found):
        reason = f"pyenv has not all of Python {', '.join(versions)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return [home for [home] in found]


@pytest.fixture(scope="module")
def channel(engine, tmp_path_factory: pytest.TempPathFactory):
    """Serve the channel; returns its URL."""
    pythons = homes(*filter(None, WHEELS))
    folder, wheels = tmp_path_factory.mktemp("channel"), tmp_path_factory.mktemp("wheels")
    for python, requirements in WHEELS.items():
        version = ["--python-version", python] if python else []
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:",
             "--no-deps", "--dest", wheels, *version, *requirements],
            check=True,
        )  # fmt: skip
    make_channel(folder, sorted(wheels.glob("*.whl")), pythons=pythons, empty=EMPTY)
    [bridge] = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    with PackageServer(folder, host=bridge["Gateway"]) as server:
        yield f"http://{server.address}"


@pytest.fixture
def spec(tmp_path):
    """Return a file of the corpus, beside the conda files of its repository as it was there."""

    def find(file: str) -> Path:
        if not file.startswith("deploy/"):
            return DATA / file
        repository = file.split("/")[1]
        for kind in ("conda", "deploy"):
            shutil.copytree(DATA / kind / repository, tmp_path / repository, dirs_exist_ok=True)
        return tmp_path / file.removeprefix("deploy/")

    return find


@pytest.mark.parametrize(
    ("file", "python", "versions"),
    [
        ("sdk-envs/07-existing-conda", "3.9", ["1.3.2", "1.24.4", "1.3.2"]),
        (f"deploy/{EXAMPLES}/{MANAGED}", "3.12", ["1.7.0", "2.3.1", "1.5.1"]),
        (SIMPLE_FLOW, "3.7", ["0.24.2", "1.21.2", "1.0.1"]),
    ],
    ids=["saved environment", "v2 deployment", "conda file"],
)
def test_a_real_spec_with_conda_packages_is_built_and_serves(
    serve, channel, spec, tmp_path, file, python, versions
):
    network = tmp_path / "network.yaml"
    network.write_text(json.dumps({"conda_mirrors": {"conda-forge": channel, "defaults": channel}}))
    build = {"BUILD_IMAGE": base_image("3.11")}

    answer = serve(spec(file), IMPORTS, f"[{LINEAR}, *{VERSIONS}]", "--network", network, **build)

    assert answer == [[6.0, *versions], python]
