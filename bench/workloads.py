"""What the servers of serve.py are asked: models, entry scripts, rows and the right answers.

Usage: bench/workloads.py FOLDER

Makes FOLDER/GROUP/ for each group with score.py and models/, and FOLDER/rows.json with what is
sent and what the models say to it. Needs numpy, scikit-learn and joblib.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workload:
    """The requests of some cells: `group` is whose models and script answer them."""

    group: str
    rows: int
    columns: int


WORKLOADS = {
    "tiny": Workload("linear", 1, 10),
    "one": Workload("linear", 1, 784),
    "batch": Workload("linear", 100, 784),
    "typed": Workload("typed", 100, 784),
    "forest": Workload("forest", 1, 784),
    "mlp": Workload("mlp", 1, 784),
}
GROUPS = list(dict.fromkeys(each.group for each in WORKLOADS.values()))
CELLS = [
    *(f"{name}/{connections}" for name in ("tiny", "one", "batch") for connections in (1, 16, 64)),
    *("typed/16", "forest/64", "mlp/16"),
]

INIT = """\
import json, os, pathlib, joblib, numpy as np

MODELS = {}

def init():
    for path in pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).glob("*.joblib"):
        MODELS[int(path.stem)] = joblib.load(path)
"""
RUN = """
def run(raw_data):
    rows = np.array(json.loads(raw_data)["data"])
    return MODELS[rows.shape[1]].predict(rows).tolist()
"""
RUN_BATCH = """
def run_batch(inputs):
    parts = [np.array(json.loads(raw_data)["data"]) for raw_data in inputs]
    rows = np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts])
    answers = MODELS[rows.shape[1]].predict(rows)
    return [part.tolist() for part in np.split(answers, ends[:-1])]
"""
RUN_TYPED = """
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema

@input_schema("data", NumpyParameterType(np.zeros((1, 784)), enforce_shape=False))
def run(data):
    return MODELS[data.shape[1]].predict(data).tolist()
"""
SCRIPTS = {
    "linear": INIT + RUN,
    "typed": INIT + RUN_TYPED,
    "forest": INIT + RUN + RUN_BATCH,
    "mlp": INIT + RUN,
}

# The model of the memory cell: an array of this many bytes.
LARGE = 2**30
LARGE_SCRIPT = """\
import json, os, numpy as np

def init():
    global weights
    weights = np.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights.npy"))

def run(raw_data):
    columns = len(json.loads(raw_data)["data"][0])
    return [int(weights[:columns].sum())]
"""


def make(folder: Path) -> None:
    """Train the models and write everything."""
    import joblib
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    random = np.random.default_rng(0)
    digits = load_digits()
    # 8 x 8 pixels become 28 x 28, with some noise so that no number is short.
    images = np.pad(np.kron(digits.images / 16, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
    images = images.reshape(len(images), 784)
    images = np.round(np.clip(images + random.uniform(0, 0.05, images.shape), 0, 1), 4)
    samples = {784: images, 10: images[:, 300:310]}
    linear = {
        columns: LogisticRegression(max_iter=200).fit(rows, digits.target)
        for columns, rows in samples.items()
    }
    forest = RandomForestClassifier(200, random_state=0).fit(images, digits.target)
    mlp = MLPClassifier((1024, 512), max_iter=15, random_state=0).fit(images, digits.target)
    models = {
        "linear": linear,
        "typed": {784: linear[784]},
        "forest": {784: forest},
        "mlp": {784: mlp},
    }
    for group in GROUPS:
        (folder / group / "models").mkdir(parents=True, exist_ok=True)
        (folder / group / "score.py").write_text(SCRIPTS[group], encoding="utf-8")
        for columns, model in models[group].items():
            joblib.dump(model, folder / group / "models" / f"{columns}.joblib")
    asked = {}
    for name, workload in WORKLOADS.items():
        rows = samples[workload.columns][: workload.rows]
        answer = models[workload.group][workload.columns].predict(rows)
        asked[name] = {"rows": rows.tolist(), "answer": answer.tolist()}
    (folder / "rows.json").write_text(json.dumps(asked), encoding="utf-8")


def make_large(folder: Path) -> None:
    """Write the model and the script of the memory cell: no disk is used, but memory to load it."""
    (folder / "models").mkdir(parents=True)
    (folder / "score.py").write_text(LARGE_SCRIPT, encoding="utf-8")
    with (folder / "models" / "weights.npy").open("wb") as file:
        length = file.write(npy_header((LARGE // 8,)))
        file.truncate(length + LARGE)


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return what stands before the doubles of an array in numpy's format."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117).encode() + b"\n"


if __name__ == "__main__":
    make(Path(sys.argv[1]))
