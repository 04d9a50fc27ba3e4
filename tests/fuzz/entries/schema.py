import datetime

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("flag", StandardPythonParameterType(True), optional=True)
@input_schema("when", StandardPythonParameterType(datetime.datetime(2026, 1, 31)), optional=True)
@input_schema("blob", StandardPythonParameterType(b"abc"), optional=True)
@input_schema("options", StandardPythonParameterType({"a": StandardPythonParameterType(1)}))
@input_schema("numbers", StandardPythonParameterType([StandardPythonParameterType(1.5)]))
@input_schema("text", StandardPythonParameterType("x"))
@input_schema("count", StandardPythonParameterType(1))
@output_schema(StandardPythonParameterType([1]))
def run(count, text="x", numbers=[], options={}, blob=b"", when=None, flag=None, other=None):  # noqa: B006
    return [repr(count), text, numbers, options, len(blob or b""), str(when), flag, repr(other)]
