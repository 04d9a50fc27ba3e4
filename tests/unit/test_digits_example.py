import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DIGITS = Path(__file__).parents[2] / "examples/digits"
MODEL = DIGITS / "models/sklearn_mnist/1/sklearn_mnist_model.pkl"
SAMPLE = DIGITS / "sample-request.json"

# The nearest training row lies 10.2 away, as far as a blank page. The sample's own copies,
# moved by a pixel or turned by ten degrees, lie 5.3 to 6.7 away.
NEAREST_ROW = 8.0


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"digits_{name}", DIGITS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    outputs = [tmp_path_factory.mktemp("training") / "model.pkl" for _ in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, DIGITS / "train.py", "--output", output],
            stdout=subprocess.PIPE,
            text=True,
        )
        for output in outputs
    ]
    printed = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return [(text, output.read_bytes()) for text, output in zip(printed, outputs, strict=True)]


def test_the_committed_model_reads_the_sample_request_as_a_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(MODEL.parent))
    score = load("score")
    score.init()

    answer = score.run(SAMPLE.read_text())

    assert answer == [2]
    assert type(answer[0]) is int


def test_two_training_runs_write_the_same_bytes(trainings: list[tuple[str, bytes]]) -> None:
    first, second = (model for _, model in trainings)

    assert first == second


def test_training_reads_nine_in_ten_of_the_digits_it_held_out(
    trainings: list[tuple[str, bytes]],
) -> None:
    printed, _ = trainings[0]

    (accuracy,) = re.findall(r"held-out accuracy: (\d\.\d+)", printed)

    assert float(accuracy) >= 0.9


def test_no_row_that_the_model_is_trained_on_was_made_from_the_sample_request() -> None:
    payload = np.array(json.loads(SAMPLE.read_text())["data"][0], dtype=np.float32)

    rows, _ = load("train").training_set()

    assert np.linalg.norm(rows - payload, axis=1).min() > NEAREST_ROW
