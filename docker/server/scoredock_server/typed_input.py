"""Arrays and tables for parameters whose schema asks for them, without Python objects in between.

A body of `application/x-npy` (what numpy.save writes) or `application/vnd.apache.arrow.stream` is
the value itself, for the one parameter that has a numpy or pandas schema. Rows of a JSON body
become the array in one pass. The decorators of inference-schema take an array or a frame as it is,
which is why dtype and shape are checked here: as they do it, and in their words.
"""

import importlib
from functools import lru_cache
from io import BytesIO
from itertools import chain
from typing import Any, Callable, Dict, Tuple

NPY = "application/x-npy"
ARROW = "application/vnd.apache.arrow.stream"


# Older ones run code that a stream brings: CVE-2023-47248.
_OLDEST_ARROW = (14, 0, 1)


class TypedInputError(Exception):
    """A body is not what its content type says, or does not fit; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def typed_parameters(run: Callable[..., Any]) -> Dict[str, Any]:
    """Return inference-schema's parameter types, of numpy and pandas, by the parameters' names.

    Without those that the decorators do not convert, and the optional ones, which they ask for
    their truth: an array has none.
    """
    found: Dict[str, Any] = {}
    step: Any = run
    while step is not None:
        wrapper: Any = getattr(step, "_self_wrapper", None)
        if getattr(wrapper, "__module__", "") == "inference_schema.schema_decorators":
            cells = zip(wrapper.__code__.co_freevars, wrapper.__closure__ or ())
            seen = {name: cell.cell_contents for name, cell in cells}
            kind = seen.get("param_type")
            converted = seen.get("convert_to_provided_type") and not seen.get("optional")
            if converted and (_is_numpy(kind) or _is_pandas(kind)):
                found[seen["param_name"]] = kind
        step = getattr(step, "__wrapped__", None)
    return found


def _is_numpy(kind: Any) -> bool:
    return type(kind).__module__ == "inference_schema.parameter_types.numpy_parameter_type"


def _is_pandas(kind: Any) -> bool:
    return type(kind).__module__ == "inference_schema.parameter_types.pandas_parameter_type"


def quick_array(kind: Any, rows: Any) -> Any:
    """Return rows of numbers, read from JSON, as the array that `kind` makes of them; else `rows`.

    What is not returned as an array is converted by the decorator, with its errors.
    """
    if not _is_numpy(kind) or not getattr(kind, "enforce_column_type", False):
        return rows
    sample = kind.sample_input
    if sample.ndim != 2 or sample.dtype.kind not in "fiu" or type(rows) is not list or not rows:
        return rows
    width = sample.shape[1]
    if not width or any(type(row) is not list or len(row) != width for row in rows):
        return rows
    numpy: Any = importlib.import_module("numpy")
    try:
        count = len(rows) * width
        flat = numpy.fromiter(chain.from_iterable(rows), sample.dtype, count)
    except Exception:  # what is no number, or too large
        return rows
    return flat.reshape(len(rows), width)


def read_typed(typed: Dict[str, Any], mimetype: str, body: bytes) -> Tuple[str, Any]:
    """Return the name of the parameter that a body is for, and its value.

    Raises TypedInputError.
    """
    fitting = {name: kind for name, kind in typed.items() if _is_numpy(kind) or mimetype == ARROW}
    if len(fitting) != 1:
        raise TypedInputError(
            "{} is for a run() with one parameter of {} schema; this one has {}.".format(
                mimetype, "numpy" if mimetype == NPY else "numpy or pandas", len(fitting)
            ),
            415,
        )
    [(name, kind)] = fitting.items()
    try:
        if mimetype == NPY:
            value = _fitting_array(kind, _read_npy(body))
        elif _is_numpy(kind):
            value = _fitting_array(kind, _stacked(kind, _read_arrow(body)))
        else:
            value = _fitting_frame(kind, _frame(_read_arrow(body)))
    except _MisfitError as error:
        raise TypedInputError(
            "The value of the '{}' parameter does not fit its schema: {}".format(name, error)
        ) from None
    return name, value


class _MisfitError(Exception):
    pass


def _read_npy(body: bytes) -> Any:
    try:
        return _npy(body)
    except Exception as error:  # the header is text of the client's
        raise TypedInputError(
            "POST body could not be decoded as npy: {}".format(_first_line(error))
        ) from None


def _npy(body: bytes) -> Any:
    """Return a writable array, or raise ValueError before anything large is made."""
    numpy: Any = importlib.import_module("numpy")
    version = numpy.lib.format.read_magic(BytesIO(body[:8]))
    if version not in ((1, 0), (2, 0)):
        raise ValueError("it has version {}.{} of the format".format(*version))
    start = 10 if version == (1, 0) else 12
    end = start + int.from_bytes(body[8:start], "little")
    shape, column_first, dtype = _npy_header(version, bytes(body[8:end]))
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    count = 1
    for size in shape:
        count *= size
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(body) - end:
        raise ValueError("its length is not that of its shape {}".format(shape))
    flat = numpy.frombuffer(body, dtype, count, end) if count else numpy.empty(0, dtype)
    if not (flat.flags.writeable and flat.flags.aligned):
        flat = flat.copy()
    return flat.reshape(shape, order="F" if column_first else "C")


@lru_cache(maxsize=32)
def _npy_header(version: Tuple[int, int], header: bytes) -> Tuple[Tuple[int, ...], bool, Any]:
    """Return what a header says. Most requests have the same, and numpy parses it as Python."""
    form: Any = importlib.import_module("numpy").lib.format
    read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
    return read(BytesIO(header))  # type: ignore[no-any-return]


def _read_arrow(body: bytes) -> Any:
    try:
        arrow: Any = importlib.import_module("pyarrow")
        ipc: Any = importlib.import_module("pyarrow.ipc")
        usable = tuple(int(part) for part in arrow.__version__.split(".")[:3]) >= _OLDEST_ARROW
    except (ImportError, ValueError):  # or a version that is no release
        usable = False
    if not usable:
        raise TypedInputError(
            "{} needs pyarrow {}.{}.{} or newer in the environment of this service.".format(
                ARROW, *_OLDEST_ARROW
            ),
            415,
        )
    try:
        table = ipc.open_stream(arrow.BufferReader(body)).read_all()
        table.validate(full=True)
    except Exception as error:
        raise TypedInputError(
            "POST body could not be decoded as an Arrow stream: {}".format(_first_line(error))
        ) from None
    return table


def _frame(table: Any) -> Any:
    """Return a table as a frame of its own memory; the body's cannot be written to."""
    try:
        return table.to_pandas().copy()
    except Exception as error:  # two columns of one name, say
        raise _MisfitError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _stacked(kind: Any, table: Any) -> Any:
    """Return the columns of a table side by side.

    One column is the array itself where the sample is one-dimensional, and where it holds lists of
    a fixed size: the rows.
    """
    numpy: Any = importlib.import_module("numpy")
    try:
        size = getattr(table.schema.types[0], "list_size", 0) if table.num_columns == 1 else 0
        if size > 0 and not table.column(0).null_count:
            flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in table[0].chunks]
            return numpy.concatenate(flat or [numpy.empty(0)]).reshape(-1, size)
        columns = [column.to_numpy() for column in table.columns]
        if kind.sample_input.ndim == 1 and len(columns) == 1:
            return columns[0].copy()
        return numpy.column_stack(columns) if columns else numpy.empty((table.num_rows, 0))
    except Exception as error:
        raise _MisfitError(_first_line(error)) from None


def _fitting_array(kind: Any, array: Any) -> Any:
    sample = kind.sample_input
    if kind.enforce_column_type and array.dtype != sample.dtype:
        array = _cast(array, sample.dtype)
    if kind.enforce_shape:
        _check_shape("array", array.shape, sample.shape)
    return array


def _cast(array: Any, dtype: Any) -> Any:
    numpy: Any = importlib.import_module("numpy")
    if not numpy.can_cast(array.dtype, dtype, "same_kind"):
        raise _MisfitError("an array of {} is expected; input has {}".format(dtype, array.dtype))
    return array.astype(dtype)


def _fitting_frame(kind: Any, frame: Any) -> Any:
    sample = kind.sample_input
    if kind.enforce_column_type:
        known = sample.dtypes.to_dict()
        try:
            frame = frame.astype({name: known.get(name, object) for name in frame.columns})
        except Exception as error:
            raise _MisfitError(_first_line(error)) from None
    if kind.enforce_shape:
        _check_shape("data frame", frame.shape, sample.shape)
    return frame


def _check_shape(what: str, found: Tuple[int, ...], expected: Tuple[int, ...]) -> None:
    """Raise _MisfitError, as inference-schema words it, for all but another number of rows."""
    if len(found) != len(expected):
        raise _MisfitError(
            "Invalid input {0}: an {0} with {1} dimensions is expected; input has {2}"
            " [shape {3}]".format(what, len(expected), len(found), found)
        )
    for axis in range(1, len(expected)):
        if found[axis] != expected[axis]:
            raise _MisfitError(
                "Invalid input {0}: {0} has size {1} on dimension #{2}, while expected value is"
                " {3}".format(what, found[axis], axis, expected[axis])
            )
