"""Real specs that install MLflow, the largest of them; alone, because one takes minutes.

The packages are those of a Python index, as in test_real_specs.
"""

import os
import shutil
import subprocess

import pytest
from corpus.table import DATA

from support import base_image

ENVIRONMENT = (
    "env-yaml/microsoft+mlops-basic-template-for-azureml-cli-v2/mlops/nyc-taxi/environment.yml"
)
MLFLOW = (
    "conda/Azure+azureml-examples@59faca56ep/cli/endpoints/online/ncd/sklearn-diabetes/"
    "environment/conda.yaml"
)
# As a training job would: what MLflow itself writes, read-only afterwards.
SAVE = (
    "import mlflow.sklearn; from sklearn.linear_model import LinearRegression;"
    "model = LinearRegression().fit([[0], [1]], [0, 2]);"
    "mlflow.sklearn.save_model(model, '/saved/model')"
)

pytestmark = pytest.mark.docker


def test_a_real_v2_environment_is_built_and_serves_in_its_python(serve):
    imports = "import mlflow, sklearn\nfrom sklearn.linear_model import LinearRegression"
    line = "LinearRegression().fit([[0], [1]], [0, 2])"
    expression = f"[sklearn.__version__, round({line}.predict(data)[0], 6)]"

    answer = serve(DATA / ENVIRONMENT, imports, expression, BASE_IMAGE=base_image("3.8"))

    assert answer == [["1.3.2", 6.0], "3.8"]


def test_a_real_conda_file_serves_the_folder_that_mlflow_saves_in_it(
    serve, scoredock, source, tmp_path, environment
):
    shutil.copy(DATA / MLFLOW, tmp_path / "conda.yaml")
    base = {"BASE_IMAGE": base_image("3.9")}
    version = tmp_path / "models" / "line" / "1"
    version.mkdir(parents=True)
    built = scoredock("build", "--spec", tmp_path / "conda.yaml", "--source", source, **base)
    assert built.returncode == 0, built.stderr
    subprocess.run(
        ["docker", "run", "--rm", "--network=none", f"--user={os.getuid()}",
         f"--volume={version}:/saved", "--entrypoint=python", environment["IMAGE"], "-c", SAVE],
        check=True,
    )  # fmt: skip
    folder = version / "model"
    shutil.copy(DATA / MLFLOW, folder / "conda.yaml")
    load = "import mlflow.pyfunc, sklearn\nhere = os.environ['AZUREML_MODEL_DIR'] + '/model'"
    predict = "round(float(mlflow.pyfunc.load_model(here).predict(data)[0]), 6)"

    answer = serve(folder, load, f"[sklearn.__version__, {predict}]", **base)

    assert answer == [["1.2.2", 6.0], "3.9"]
