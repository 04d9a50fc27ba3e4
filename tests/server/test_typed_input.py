import io
import json

import numpy as np
import pyarrow as arrow
import pytest
import requests
from packaging.version import Version

from interpreter import server_versions
from serving import running

NPY = {"Content-Type": "application/x-npy"}
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
SCRIPT = """\
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
def init(): pass
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
def run(data, factor=2):
    data *= factor
    return [type(data).__name__, str(data.dtype), data.tolist()]
"""
FRAME = """\
import pandas as pd
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
def init(): pass
@input_schema("data", PandasParameterType(pd.DataFrame({"a": [1], "b": ["x"]})))
def run(data):
    data["a"] += 1
    return [type(data).__name__, data.to_dict(orient="records")]
"""

pytestmark = pytest.mark.needs("inference_schema", "numpy", "pandas")


def npy(value):
    file = io.BytesIO()
    np.save(file, value)
    return file.getvalue()


def test_an_array_comes_as_npy_or_as_json(tmp_path):
    value = np.array([[1, 2.5], [3, 4]])
    with running(tmp_path, SCRIPT) as server:
        server.wait_until_ready()
        by_npy = server.score(npy(value), headers=NPY)
        rows = json.dumps({"data": value.tolist(), "factor": 3})
        by_json = server.score(rows, headers={"Content-Type": "application/json"})

        assert by_npy.json() == ["ndarray", "float64", [[2, 5], [6, 8]]]
        assert by_json.json() == ["ndarray", "float64", [[3, 7.5], [9, 12]]]
        assert by_npy.headers["x-ms-run-function-failed"] == "False"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("path", ["/score", "/score?more=1", "/score?longer=of-other-length"])
def test_a_large_array_is_the_scripts_own_to_change(tmp_path, path, order):
    value = np.asarray(np.arange(60_000.0).reshape(-1, 2), order=order)
    with running(tmp_path, SCRIPT) as server:
        server.wait_until_ready()
        for _ in range(2):
            answer = requests.post(server.url + path, npy(value), headers=NPY, timeout=20)

            assert answer.json() == ["ndarray", "float64", (2 * value).tolist()]


@pytest.mark.parametrize("setting", ["reference", "improved"])
def test_rows_that_do_not_fit_are_answered_as_ever(tmp_path, setting):
    with running(tmp_path, SCRIPT, SCOREDOCK_COMPATIBILITY=setting) as server:
        server.wait_until_ready()
        headers = {"Content-Type": "application/json"}
        for rows in ([[1, 2, 3]], [1, 2], [["x", 2]], [[1, 2], [3]]):
            answer = server.score(json.dumps({"data": rows}), headers=headers)

            assert answer.status_code == (500 if setting == "reference" else 400)


def test_a_typed_body_that_is_wrong_is_told(tmp_path):
    good = npy(np.ones((2, 2)))
    wrong = [
        (good[:-8], NPY, 400, "POST body could not be decoded as npy: its length is not"),
        (b"", NPY, 400, "POST body could not be decoded as npy: "),
        (
            npy(np.ones((2, 3))),
            NPY,
            400,
            "The value of the 'data' parameter does not fit its schema",
        ),
        (good, {"Content-Type": "application/octet-stream"}, 415, "Expects Content-Type to be"),
        (good, {"Content-Type": "application/json"}, 400, "POST body could not be decoded as JSON"),
    ]
    with running(tmp_path, SCRIPT) as server:
        server.wait_until_ready()
        for body, headers, status, message in wrong:
            answer = server.score(body, headers=headers)

            assert answer.status_code == status
            assert answer.json()["message"].startswith(message)


@pytest.fixture
def stream():
    table = arrow.table({"a": [1, 2], "b": ["x", "é"]})
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_a_frame_comes_as_an_arrow_stream_where_there_is_pyarrow(tmp_path, stream):
    there = server_versions().get("pyarrow", Version("0")) >= Version("14.0.1")
    with running(tmp_path, FRAME) as server:
        server.wait_until_ready()
        answer = server.score(stream, headers=ARROW)
        cut = server.score(stream[:-40], headers=ARROW)
        if there:
            assert answer.json() == ["DataFrame", [{"a": 2, "b": "x"}, {"a": 3, "b": "é"}]]
            assert cut.status_code == 400
        else:
            assert (answer.status_code, cut.status_code) == (415, 415)
            assert "needs pyarrow 14.0.1 or newer" in answer.json()["message"]


def test_npy_is_for_an_array(tmp_path):
    with running(tmp_path, FRAME) as server:
        answer = server.wait_until_ready().score(npy(np.ones((2, 2))), headers=NPY)

        assert answer.status_code == 415
        assert answer.json()["message"].startswith("application/x-npy is for a run() with one")


def test_a_script_without_a_schema_gets_text_as_ever(tmp_path):
    with running(tmp_path, "def init(): pass\ndef run(raw_data): return raw_data") as server:
        answer = server.wait_until_ready().score(npy(np.ones(1)), headers=NPY)

        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Input cannot be decoded as UTF-8")
