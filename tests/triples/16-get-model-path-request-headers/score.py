"""Entry script: finds its model by name, has a numpy schema and gets the request's headers."""

import os

import joblib
import numpy as np
from azureml.core.model import Model
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

PATIENTS = np.array([np.arange(1.0, 11.0), np.arange(10.0, 0.0, -1.0)])
PROGRESSIONS = np.array([5021.509689995557, 3693.645386402646])


def init():
    """Load the model that the folder above AZUREML_MODEL_DIR is named for."""
    global model
    name = os.environ["AZUREML_MODEL_DIR"].split("/")[-2]
    model = joblib.load(Model.get_model_path(name))


@input_schema("data", NumpyParameterType(PATIENTS))
@output_schema(NumpyParameterType(PROGRESSIONS))
def run(data, request_headers):
    """Return one number for each row of ten; the log tells whose request it was."""
    result = model.predict(data)
    print("request", request_headers.get("X-Ms-Request-Id", ""), "->", result)
    return {"result": result.tolist()}
