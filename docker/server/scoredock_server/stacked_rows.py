"""The rows of several requests as one input of run(), and its result as theirs."""

import importlib
import json
from typing import Any, Callable, Dict, List

from scoredock_server.schema import converted


class MismatchError(Exception):
    """A request's rows cannot be stacked, or what was returned has no result for each request."""


class StackedRows:
    """Calls a run() whose one parameter may have the rows of several requests.

    These are arrays, frames or lists by its schema. With `is_text` it takes the body's text, and
    rows are what a JSON object with one list holds.
    """

    name = "run() of stacked rows"

    def __init__(self, run: Callable[..., Any], parameter: str, *, is_text: bool) -> None:
        self._run = run
        self._parameter = parameter
        self._is_text = is_text

    def prepared(self, run: Callable[..., Any], arguments: Dict[str, Any]) -> Any:
        """Return the rows of one request. Raises MismatchError, and what the schema raises."""
        if not self._is_text:
            rows = converted(run, arguments)[self._parameter]
        else:
            rows = json.loads(arguments[self._parameter])
            if not isinstance(rows, dict) or [type(each) for each in rows.values()] != [list]:
                raise MismatchError("it is no object with one list")
        self.kind(rows)
        return rows

    def kind(self, rows: Any) -> Any:
        """Return what rows must have in common to be stacked. Raises MismatchError."""
        if isinstance(rows, dict) and self._is_text:
            return next(iter(rows))
        if hasattr(rows, "iloc"):
            return (*rows.columns, *rows.dtypes)
        if getattr(rows, "ndim", 0):
            return (rows.dtype, *rows.shape[1:])
        if isinstance(rows, list):
            return list
        raise MismatchError("{} has no rows".format(type(rows).__name__))

    def call(self, inputs: List[Any]) -> Any:
        """Call run() with all rows."""
        return self._run(**{self._parameter: self._stacked(inputs)})

    def _stacked(self, inputs: List[Any]) -> Any:
        first = inputs[0]
        if isinstance(first, list):
            return [row for rows in inputs for row in rows]
        if self._is_text:
            [name] = first
            return json.dumps({name: [row for each in inputs for row in each[name]]})
        if hasattr(first, "iloc"):
            pandas: Any = importlib.import_module("pandas")
            return pandas.concat(inputs, ignore_index=True)
        numpy: Any = importlib.import_module("numpy")
        return numpy.concatenate(inputs)

    def results(self, returned: Any, inputs: List[Any]) -> List[Any]:
        """Return each request's part of what run() returned. Raises MismatchError."""
        sizes = [len(next(iter(each.values())) if self._is_text else each) for each in inputs]
        whole = _Whole(returned, sum(sizes))
        parts = []
        begin = 0
        for size in sizes:
            parts.append(whole.part(begin, begin + size))
            begin += size
        return parts


class _Whole:
    """A result with one entry for each row: a list, an array, a frame, or a dict of such."""

    def __init__(self, value: Any, rows: int) -> None:
        self._value = value
        self._parts: Dict[Any, _Whole] = {}
        if isinstance(value, dict) and value:
            self._parts = {name: _Whole(each, rows) for name, each in value.items()}
        elif not (isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0):
            raise MismatchError("it returned {} for {} rows".format(type(value).__name__, rows))
        elif len(value) != rows:
            raise MismatchError("it returned {} results for {} rows".format(len(value), rows))

    def part(self, begin: int, end: int) -> Any:
        if self._parts:
            return {name: each.part(begin, end) for name, each in self._parts.items()}
        if not hasattr(self._value, "iloc"):
            return self._value[begin:end]
        rows = self._value.iloc[begin:end]
        # Rows that were not named are counted from 0 in each answer.
        return rows.reset_index(drop=True) if _is_counted(self._value) else rows


def _is_counted(frame: Any) -> bool:
    return type(frame.index).__name__ == "RangeIndex"
