"""Entry script: reads handwritten digits, 28 x 28 pixels each, with a scikit-learn model."""

import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np

model: Any = None


def init() -> None:
    """Load the model from the folder that AZUREML_MODEL_DIR names; called once, at start."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_mnist_model.pkl")


# The hint is quoted because Python 3.6 to 3.8, which models still ask for, cannot evaluate it.
def run(raw_data: str) -> "list[int]":
    """Return one digit for each row of 784 numbers (0 is paper, 1 is ink) in `{"data": [...]}`."""
    rows = np.array(json.loads(raw_data)["data"])
    return model.predict(rows).tolist()
