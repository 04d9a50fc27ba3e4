"""Scripts whose run() is decorated with inference-schema: the user's dependency, not ours."""

import sys
from types import TracebackType
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from scoredock_server.typed_input import typed_parameters

# As inference-schema names them.
ALL_VERSIONS = ["2.0", "3.0", "3.1"]


class Schema(NamedTuple):
    """What the decorators tell of run(): two JSON schemas and the Swagger versions they fit.

    `typed` are the parameter types of numpy and pandas, by the parameters' names.
    """

    input: Dict[str, Any]
    output: Dict[str, Any]
    versions: List[str]
    typed: Dict[str, Any]


def read_schema(run: Callable[..., Any]) -> Optional[Schema]:
    """Return the schema of run(), or None where it has no schema decorator."""
    # A script that has not imported the package has not decorated anything with it.
    util: Any = sys.modules.get("inference_schema.schema_util")
    if util is None or not util.is_schema_decorated(run):
        return None
    versions = getattr(util, "get_supported_versions", lambda _run: ALL_VERSIONS)
    return Schema(
        util.get_input_schema(run),
        util.get_output_schema(run),
        list(versions(run)),
        typed_parameters(run),
    )


def converted(run: Callable[..., Any], arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments as the decorators of run() give them to it. Raises what they raise."""
    step: Any = run
    while step is not None:
        wrapper: Any = getattr(step, "_self_wrapper", None)
        if getattr(wrapper, "__module__", "") == "inference_schema.schema_decorators":
            arguments = wrapper(dict, None, (), arguments)
        step = getattr(step, "__wrapped__", None)
    return arguments


def unconvertible_parameter(error: BaseException) -> Optional[str]:
    """Return the name of the parameter whose value a schema could not convert.

    None where the error comes from run() itself: the decorators convert before they call it, so
    that below their last frame lies either the conversion or the script.
    """
    decorator = None
    below = None
    step: Optional[TracebackType] = error.__traceback__
    while step is not None:
        frame = step.tb_frame
        if _module(frame) == "inference_schema.schema_decorators" and (
            frame.f_code.co_name == "decorator_input"
        ):
            decorator, below = frame, step.tb_next
        step = step.tb_next
    if decorator is None or below is None:
        return None
    if not _module(below.tb_frame).startswith("inference_schema."):
        return None
    name = decorator.f_locals.get("param_name")
    return name if isinstance(name, str) else None


def _module(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", ""))
