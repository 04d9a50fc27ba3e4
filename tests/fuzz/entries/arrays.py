import numpy
import pandas
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema

TABLE = pandas.DataFrame({"a": [1], "b": ["x"], "c": [0.5]})


def init():
    pass


@input_schema("dates", PandasParameterType(pandas.DataFrame({"d": pandas.to_datetime(["2026"])})))
@input_schema("table", PandasParameterType(TABLE))
@input_schema("whole", NumpyParameterType(numpy.array([1, 2]), enforce_shape=False))
@input_schema("data", NumpyParameterType(numpy.array([[1.5, 2.5]])))
def run(data, whole=[1], table=[{"a": 1, "b": "x", "c": 0.5}], dates=[{"d": "2026-01-31"}]):  # noqa: B006
    return [data.shape[0], str(whole.dtype), table.shape, str(dates.dtypes.tolist())]
