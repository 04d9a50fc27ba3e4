"""Entry script: reads handwritten digits, 28 x 28 pixels each."""

import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np

model: Any = None


def init() -> None:
    """Load the model; called once, at start."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_mnist_model.pkl")


def run(raw_data: str) -> "list[int]":
    """Return one digit for each row of 784 numbers."""
    data = np.array(json.loads(raw_data)["data"])
    return model.predict(data).tolist()
