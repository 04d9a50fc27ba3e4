"""Real specs, each as its author wrote it, become services: what pip and uv install.

The packages are those of a Python index; where a spec leaves the version open, it is the last one
for its Python, which stays so.
"""

import pytest
from corpus.table import DATA

from support import base_image

LINEAR = "round(LinearRegression().fit([[0], [1]], [0, 2]).predict(data)[0], 6)"
NOTEBOOKS = "env-json/Azure+MachineLearningNotebooks"

pytestmark = pytest.mark.docker

# The form, the file, its Python, what the entry script imports and answers.
ROWS = {
    "saved environment": (
        "sdk-envs/29-unicode",
        "3.8",
        "import MeCab\nfrom importlib.metadata import version",
        "[version('mecab-python3'), os.environ['挨拶']]",
        ["1.0.12", "こんにちは"],
    ),
    "inference configuration": (
        f"{NOTEBOOKS}@7a754faa/how-to-use-azureml/deploy-to-cloud/inferenceconfig.json",
        "3.6",
        "import inference_schema, sklearn\nfrom sklearn.linear_model import LinearRegression",
        f"[sklearn.__version__, {LINEAR}]",
        ["0.24.2", 6.0],
    ),
    "run configuration": (
        f"{NOTEBOOKS}@de9ce83f/how-to-use-azureml/azureml-cli/.azureml/aml_compute.runconfig",
        "3.6",
        "import pandas",
        "[pandas.__version__, pandas.DataFrame(data).sum().tolist()]",
        ["1.1.5", [3.0]],
    ),
    "conda file": (
        "conda/Azure+azureml-assets/assets/training/scripts/_component_upgrade/dev_conda_env.yaml",
        "3.11",
        "import azure.ai.ml, yaml",
        "yaml.safe_load(yaml.safe_dump(data))",
        [[3.0]],
    ),
}


@pytest.mark.parametrize("form", ROWS)
def test_a_real_spec_is_built_and_serves_in_its_python(serve, form):
    file, python, imports, expression, expected = ROWS[form]

    answer = serve(DATA / file, imports, expression, BASE_IMAGE=base_image(python))

    assert answer == [expected, python]
