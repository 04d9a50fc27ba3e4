"""Entry script: kinds of iris, with a schema made from a sample of a pandas data frame."""

import os
from pathlib import Path

import joblib
import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

KINDS = ["Setosa", "Versicolor", "Virginica"]
FLOWER = pd.DataFrame(
    {"sepal_length": [7.2], "sepal_width": [3.2], "petal_length": [6.0], "petal_width": [1.8]}
)


def init():
    """Load the pipeline; the model folder holds a folder named `models`."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "models" / "iris.pkl")


@input_schema("iris", PandasParameterType(FLOWER))
@output_schema(StandardPythonParameterType({"Category": ["Virginica"]}))
def run(iris):
    """Return the kind of each flower, one a row of the data frame."""
    return {"Category": [KINDS[number] for number in model.predict(iris)]}
