"""What run() gets: the request as the arguments that its signature asks for."""

import codecs
import inspect
import json
from typing import Any, Callable, Dict, List, Tuple, Union
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.exceptions import HTTPException

from scoredock_server.entry_script import HEADERS, EntryScript
from scoredock_server.typed_input import ARROW, NPY, TypedInputError, quick_array, read_typed

# In the environ of a request whose client has left before all of its body had come.
TRUNCATED = "scoredock.truncated"


class InputError(Exception):
    """The request cannot be scored; `status` and the message are the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def read_arguments(script: EntryScript, request: Request) -> Dict[str, Any]:
    """Return the keyword arguments for run(). Raises InputError."""
    if script.schema:
        arguments = _named(script, request, script.schema.typed)
    else:
        if script.rawhttp and request.environ.get(TRUNCATED):
            _body(request)
            raise InputError("The request body ended too early.")
        value: Any = request if script.rawhttp else _text(request)
        arguments = {next(iter(script.parameters)): value}
    if script.wants_headers:
        arguments[HEADERS] = dict(request.headers)
    return arguments


def _named(script: EntryScript, request: Request, typed: Dict[str, Any]) -> Dict[str, Any]:
    if request.method == "GET":
        return by_name(script, _query(request))
    given = values_of(typed, request.mimetype, lambda: _body(request), is_json=request.is_json)
    return by_name(script, given)


def by_name(script: EntryScript, given: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments of run() from values by their names. Raises InputError."""
    arguments = {}
    for name, default in script.parameters.items():
        value = given.get(name, default)
        if value is inspect.Parameter.empty:
            raise InputError("A value is not provided for the '{}' parameter.".format(name))
        arguments[name] = value
    return arguments


def _text(request: Request) -> str:
    if request.method == "GET":
        return json.dumps(_query(request))
    return as_text(_body(request))


def as_text(body: bytes) -> str:
    """Return the body as text. Raises InputError."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("Input cannot be decoded as UTF-8: {}".format(error))


def values_of(
    typed: Dict[str, Any], mimetype: str, body: Callable[[], bytes], *, is_json: bool
) -> Dict[str, Any]:
    """Return the values that a body holds, by name. Raises InputError.

    `typed` are the parameters that a schema says to be arrays or frames.
    """
    if typed and mimetype in (NPY, ARROW):
        try:
            name, value = read_typed(typed, mimetype, body())
        except TypedInputError as error:
            raise InputError(str(error), error.status) from None
        return {name: value}
    if not is_json:
        raise InputError("Expects Content-Type to be application/json", 415)
    given = _json_object(body())
    for name in typed.keys() & given.keys():
        given[name] = quick_array(typed[name], given[name])
    return given


def _json_object(body: bytes) -> Dict[str, Any]:
    if not body:
        raise InputError("POST body is empty. Expecting a JSON dictionary.")
    try:
        value = json.loads(body)
    except ValueError as error:  # bad JSON, bad UTF-8, or a number with too many digits
        raise InputError("POST body could not be decoded as JSON: {}".format(error))
    except RecursionError:
        raise InputError("POST body could not be decoded as JSON: it is nested too deeply")
    if not isinstance(value, dict):
        raise InputError("POST body should be a JSON dictionary.")
    return value


def _body(request: Request) -> bytes:
    try:
        body = request.get_data()
    except HTTPException:
        raise
    except Exception as error:  # gunicorn raises errors of several kinds for broken chunks
        raise InputError("The request body could not be read: {}".format(error))
    expected = request.content_length
    if expected is not None and len(body) < expected:
        raise InputError("The request body ended after {} of {} bytes.".format(len(body), expected))
    return body


def _query(request: Request) -> Dict[str, Any]:
    """Return the query: each value as JSON where it is JSON, a repeated key as a list."""
    values: Dict[str, List[Any]] = {}
    for name, value in query_pairs(request):
        values.setdefault(name, []).append(_json_or_text(value))
    return {name: items if len(items) > 1 else items[0] for name, items in values.items()}


def query_pairs(request: Request) -> List[Tuple[str, str]]:
    """Return the names and values of the query, whatever bytes it is made of."""
    text = request.query_string.decode("utf-8", "scoredock.percent")
    return parse_qsl(text, keep_blank_values=True, errors="scoredock.percent")


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _percent(error: UnicodeError) -> Tuple[Union[str, bytes], int]:
    """Keep bytes that are not UTF-8 as they stood in the URL: %FF."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join("%{:02X}".format(byte) for byte in wrong), error.end


codecs.register_error("scoredock.percent", _percent)
