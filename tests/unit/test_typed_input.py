import io
import json

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

from scoredock_server.typed_input import (
    ARROW,
    NPY,
    TypedInputError,
    quick_array,
    read_typed,
    typed_parameters,
)

NUMBERS = st.integers(-300, 300) | st.integers() | st.floats() | st.booleans()
CELLS = NUMBERS | st.none() | st.sampled_from(["1", "1.5", "x", "nan", "", [1], {}])
DTYPES = st.sampled_from(["f8", "f4", "f2", "i8", "i4", "i1", "u1", "u8", ">f8"])
FRAME = PandasParameterType(pd.DataFrame({"a": [1], "b": [0.5]}))


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def outcome(convert, rows):
    try:
        array = convert(json.loads(json.dumps(rows)))
    except Exception as error:
        return type(error), str(error)
    return array.dtype, array.shape, array.tobytes(), array.flags.writeable


@settings(max_examples=500, deadline=None)
@given(
    DTYPES,
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=4)
    | st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=4)
    | st.lists(st.lists(NUMBERS, max_size=4) | NUMBERS, max_size=3),
    st.booleans(),
)
def test_rows_become_the_array_that_the_decorator_makes_of_them(dtype, rows, enforced):
    kind = NumpyParameterType(np.ones((2, 3), dtype), enforce_shape=enforced)
    with np.errstate(all="ignore"):
        quick = outcome(lambda rows: kind.deserialize_input(quick_array(kind, rows)), rows)

        assert quick == outcome(kind.deserialize_input, rows)


def test_rows_are_not_left_to_the_decorator():
    kind = NumpyParameterType(np.ones((1, 3)))

    assert isinstance(quick_array(kind, [[1, 2.5, 3], [4, 5, 6]]), np.ndarray)


@settings(max_examples=300, deadline=None)
@given(
    arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0)),
    st.sampled_from("CF"),
)
def test_an_npy_body_is_the_array(array, order):
    array = np.asarray(array, order=order)
    kind = NumpyParameterType(
        np.ones((1,), array.dtype), enforce_shape=False, enforce_column_type=False
    )
    name, value = read_typed({"x": kind}, NPY, npy(array))

    assert name == "x"
    assert (value.dtype, value.shape) == (array.dtype, array.shape)
    assert value.tobytes() == array.tobytes()
    assert value.flags.writeable


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 40))
def test_a_body_that_is_no_npy_is_refused(noise, place, cut):
    kind = NumpyParameterType(np.ones((1, 2)))
    good = npy(np.ones((3, 2)))
    bad = good[:place] + noise + good[place + cut :]
    try:
        _, value = read_typed({"x": kind}, NPY, bad)
    except TypedInputError:
        return

    assert value.shape[1:] == (2,)
    assert value.dtype == float


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "could not be decoded as npy: "),
        (b"[[1]]", "could not be decoded as npy: "),
        (npy(np.ones((2, 2)))[:-1], r"its length is not that of its shape \(2, 2\)"),
        (npy(np.ones((2, 2))) + b"0", r"its length is not that of its shape \(2, 2\)"),
        (npy(np.ones((2, 2))).replace(b"(2, 2)", b"(9**9)"), "could not be decoded as npy: "),
        (npy(np.ones((2, 2))).replace(b"(2, 2), }", b"(-2,-2),}"), "its length is not that of"),
        (npy(np.array([[None]])), "Python objects"),
        (npy(np.ones((2, 3))), "array has size 3 on dimension #1, while expected value is 2$"),
        (npy(np.ones(2)), r"an array with 2 dimensions is expected; input has 1 \[shape \(2,\)\]$"),
        (npy(np.array([["a", "b"]])), "an array of float64 is expected; input has <U1$"),
        (npy(np.ones((1, 2), complex)), "an array of float64 is expected; input has complex128$"),
    ],
)
def test_a_bad_npy_body_is_told_in_one_line(body, message):
    with pytest.raises(TypedInputError, match=message) as caught:
        read_typed({"x": NumpyParameterType(np.ones((1, 2)))}, NPY, body)

    assert "\n" not in str(caught.value)


def test_an_array_is_cast_to_the_schemas_type():
    kind = NumpyParameterType(np.ones((1, 2), "f4"))
    _, value = read_typed({"x": kind}, NPY, npy(np.array([[1, 2]], "i2")))

    assert value.dtype == np.float32
    assert value.tolist() == [[1.0, 2.0]]


def stream(columns):
    table = arrow.table(columns)
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue().to_pybytes()


def test_an_arrow_stream_is_the_frame():
    _, value = read_typed({"x": FRAME}, ARROW, stream({"a": [1, 2, 3], "b": [1, 2, 3]}))

    sent = pd.DataFrame({"a": [1, 2, 3], "b": [1.0, 2.0, 3.0]})
    pd.testing.assert_frame_equal(value, sent)


def test_an_arrow_stream_is_the_array():
    kind = NumpyParameterType(np.ones((1, 2)))
    _, value = read_typed({"x": kind}, ARROW, stream({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]}))

    assert value.dtype == float
    assert value.tolist() == [[1.0, 0.5], [2.0, 1.5], [3.0, 2.5]]
    _, value = read_typed(
        {"x": NumpyParameterType(np.ones(1, "i8"))}, ARROW, stream({"a": [1, 2, 3]})
    )
    assert value.tolist() == [1, 2, 3]
    assert value.flags.writeable


@pytest.mark.parametrize("rows", [[], [[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
def test_an_arrow_column_of_lists_of_one_size_is_the_array(rows):
    column = arrow.array(rows, arrow.list_(arrow.float32(), 2))
    kind = NumpyParameterType(np.ones((1, 2), "f4"))
    _, value = read_typed({"x": kind}, ARROW, stream({"a": column}))

    assert (value.dtype, value.shape) == ("f4", (len(rows), 2))
    assert value.tolist() == rows
    assert value.flags.writeable


@pytest.mark.parametrize(
    "column",
    [
        arrow.array([[1.0, 2.0], None], arrow.list_(arrow.float64(), 2)),
        arrow.array([[1.0, 2.0, 3.0]], arrow.list_(arrow.float64(), 3)),
        arrow.array([[1.0, 2.0]]),
        arrow.array(["x"]),
    ],
)
def test_an_arrow_column_of_other_lists_does_not_fit(column):
    with pytest.raises(TypedInputError, match="The value of the 'x' parameter does not fit"):
        read_typed({"x": NumpyParameterType(np.ones((1, 2)))}, ARROW, stream({"a": column}))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1]}, "data frame has size 1 on dimension #1, while expected value is 2$"),
        ({"a": ["x"], "b": [1]}, "The value of the 'x' parameter does not fit its schema: "),
        ({"a": [None, 1], "b": [1, 1]}, "does not fit its schema: "),
    ],
)
def test_an_arrow_stream_that_does_not_fit_is_told(columns, message):
    with pytest.raises(TypedInputError, match=message):
        read_typed({"x": FRAME}, ARROW, stream(columns))


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff" * 99])
def test_a_body_that_is_no_arrow_stream_is_refused(body):
    with pytest.raises(TypedInputError, match="could not be decoded as an Arrow stream: "):
        read_typed({"x": FRAME}, ARROW, body)


def test_typed_parameters_are_those_that_the_decorators_convert():
    array = NumpyParameterType(np.ones((1, 2)))

    @input_schema("data", array)
    @input_schema("frame", FRAME)
    @input_schema("raw", array, convert_to_provided_type=False)
    @input_schema("maybe", array, optional=True)
    @input_schema("name", StandardPythonParameterType("x"))
    @output_schema(StandardPythonParameterType(1))
    def run(data, frame, raw, maybe, name):
        return data

    class Own(NumpyParameterType):
        def deserialize_input(self, input_data):
            return sum(input_data)

    @input_schema("data", Own(np.ones(1)))
    def other(data):
        return data

    assert typed_parameters(run) == {"data": array, "frame": FRAME}
    assert typed_parameters(other) == {}


@pytest.mark.parametrize("names", [(), ("x", "y")])
def test_a_body_is_for_one_parameter(names):
    kind = NumpyParameterType(np.ones(1))
    with pytest.raises(TypedInputError, match=f"one parameter .*; this one has {len(names)}"):
        read_typed(dict.fromkeys(names, kind), NPY, npy(np.ones(1)))
