"""Entry script: a handwritten digit by onnxruntime; what goes wrong is answered with status 200."""

import json
import os
import time
from pathlib import Path

import numpy as np
import onnxruntime


def init():
    """Open a session on the model."""
    global session
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(raw_data):
    """Return the digit of a 1 x 1 x 28 x 28 picture and how long it took, or the error's text."""
    try:
        picture = np.array(json.loads(raw_data)["data"]).astype("float32")
        started = time.time()
        [scores] = session.run(None, {session.get_inputs()[0].name: picture})
        took = time.time() - started
        return {"result": int(np.argmax(scores)), "time_in_sec": took}
    except Exception as error:
        return {"error": str(error)}
