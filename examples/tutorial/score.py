"""Entry script: reads handwritten digits, 28 x 28 pixels each."""

import json
import os

import joblib
import numpy


def init():
    """Load the model; called once, at start."""
    global model
    # One file, which was registered as sklearn_mnist.
    folder = os.getenv("AZUREML_MODEL_DIR")
    model = joblib.load(os.path.join(folder, "sklearn_mnist_model.pkl"))


def run(raw_data):
    """Return one digit for each row of 784 numbers."""
    data = numpy.array(json.loads(raw_data)["data"])
    return model.predict(data).tolist()
