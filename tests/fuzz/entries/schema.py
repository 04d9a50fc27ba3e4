import datetime

import numpy
import pandas
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

TABLE = pandas.DataFrame({"a": [1], "b": ["x"], "c": [0.5]})


def init():
    pass


@input_schema("dates", PandasParameterType(pandas.DataFrame({"d": pandas.to_datetime(["2026"])})))
@input_schema("table", PandasParameterType(TABLE))
@input_schema("whole", NumpyParameterType(numpy.array([1, 2]), enforce_shape=False))
@input_schema("data", NumpyParameterType(numpy.array([[1.5, 2.5]])))
@input_schema("when", StandardPythonParameterType(datetime.datetime(2026, 1, 31)), optional=True)
@input_schema("blob", StandardPythonParameterType(b"abc"), optional=True)
@input_schema("options", StandardPythonParameterType({"a": StandardPythonParameterType(1)}))
@input_schema("numbers", StandardPythonParameterType([StandardPythonParameterType(1.5)]))
@input_schema("text", StandardPythonParameterType("x"))
@input_schema("count", StandardPythonParameterType(1))
@output_schema(StandardPythonParameterType([1]))
def run(
    count,
    text="x",
    numbers=[],  # noqa: B006 - the defaults are in the form of the request
    options={},  # noqa: B006
    blob="YWJj",
    when=None,
    data=[[1.0, 2.0]],  # noqa: B006
    whole=[1],  # noqa: B006
    table=[{"a": 1, "b": "x", "c": 0.5}],  # noqa: B006
    dates=[{"d": "2026-01-31"}],  # noqa: B006
    other=None,
):
    given = [count, text, numbers, options, blob, when, whole.dtype, dates.dtypes, other]
    return [ascii(each) for each in given] + [data.shape[0], table.shape[0]]
