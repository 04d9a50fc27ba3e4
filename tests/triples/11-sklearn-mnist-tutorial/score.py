"""Entry script: handwritten digits of 784 pixels, in the shape of the tutorial."""

import json
import os
from pathlib import Path

import joblib
import numpy as np


def init():
    """Load the classifier."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_mnist_model.pkl")


def run(raw_data):
    """Return one digit for each row of `{"data": [...]}`."""
    pictures = np.array(json.loads(raw_data)["data"])
    return model.predict(pictures).tolist()
