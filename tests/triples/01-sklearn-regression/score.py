"""Entry script: a regression over ten numbers, in the shape of the canonical example."""

import json
import logging
import os
from pathlib import Path

import joblib
import numpy as np


def init():
    """Load the model; the model folder holds a folder named `model`."""
    global model
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "sklearn_regression_model.pkl"
    model = joblib.load(path)
    logging.info("loaded %s", path)


def run(raw_data):
    """Return one number for each row of ten in `{"data": [...]}`."""
    rows = np.array(json.loads(raw_data)["data"])
    return model.predict(rows).tolist()
