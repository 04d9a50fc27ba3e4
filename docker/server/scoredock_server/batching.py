"""Scripts that answer several requests in one call: run_batch(), or a run() that takes more rows.

What scripts import is `stacked`; a script that must load without the server sets the attribute.
"""

import inspect
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, TypeVar

from scoredock_server.schema import Schema, converted, read_schema
from scoredock_server.stacked_rows import MismatchError, StackedRows

Function = TypeVar("Function", bound=Callable[..., Any])

_ATTRIBUTE = "accepts_stacked_rows"
_NAME = "run_batch"


def stacked(function: Function) -> Function:
    """Mark run(): the rows of several requests may be its input, and its result has as many."""
    setattr(function, _ATTRIBUTE, True)
    return function


class BatchError(Exception):
    """A script cannot be called for several requests; the message says why."""


class RunBatch:
    """The script's run_batch(): a list of inputs of run() in, a list of its results out.

    An input is the value of run()'s parameter, or a dict of them by name where it has several.
    """

    name = _NAME + "()"

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def prepared(self, run: Callable[..., Any], arguments: Dict[str, Any]) -> Any:
        """Return the input that has these arguments of run(). Raises what its schema raises."""
        values = converted(run, arguments)
        return next(iter(values.values())) if len(values) == 1 else values

    def kind(self, _prepared: Any) -> Any:
        """Return what inputs must have in common to go into one call."""
        return None

    def call(self, inputs: List[Any]) -> Any:
        """Call the script."""
        return self._function(inputs)

    def results(self, returned: Any, inputs: List[Any]) -> List[Any]:
        """Return a result for each input. Raises MismatchError."""
        found = returned.tolist() if hasattr(returned, "tolist") else returned
        if not isinstance(found, (list, tuple)):
            raise MismatchError("it returned {}, not a list".format(type(returned).__name__))
        if len(found) != len(inputs):
            raise MismatchError(
                "it returned {} results for {} inputs".format(len(found), len(inputs))
            )
        return list(found)

    def call_alone(self, raw_data: Any) -> Any:
        """Be the run() of a script that has none."""
        returned = self.call([raw_data])
        if inspect.iscoroutine(returned):
            return self._awaited(returned, raw_data)
        return self._only(returned, raw_data)

    async def _awaited(self, coroutine: Any, raw_data: Any) -> Any:
        return self._only(await coroutine, raw_data)

    def _only(self, returned: Any, raw_data: Any) -> Any:
        [result] = self.results(returned, [raw_data])
        if isinstance(result, BaseException):
            raise result
        return result


def find_run_batch(module: ModuleType) -> Optional[RunBatch]:
    """Return what calls the script's run_batch(), or None where it has none.

    A function of that name that takes no list alone is the script's own affair. Raises BatchError.
    """
    function = getattr(module, _NAME, None)
    if not callable(function):
        return None
    needed = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    is_one = len(needed) == 1 and needed[0].kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    if not is_one:
        return None
    if read_schema(function):
        raise BatchError("run_batch() has a schema: it must be that of run()")
    return RunBatch(function)


def find_stacked_rows(
    run: Callable[..., Any], parameters: Dict[str, Any], schema: Optional[Schema]
) -> Optional[StackedRows]:
    """Return what calls a run() that is marked so, or None. Raises BatchError."""
    if not getattr(run, _ATTRIBUTE, False):
        return None
    if len(parameters) != 1:
        raise BatchError(
            "run() is marked to accept stacked rows: it must take one parameter, not {}".format(
                len(parameters)
            )
        )
    return StackedRows(run, next(iter(parameters)), is_text=schema is None)
