"""What run() does: it returns any object, raises anything, or makes a response of its own.

Each strategy gives a Plan, which makes the object afresh: a generator can be used only once.
"""

import asyncio
import builtins
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import sys
import time
import types
import uuid

import flask
import werkzeug
from hypothesis import strategies as st

from environs import json_leaves, latin
from scoredock_server.deadline import ScoringTimeoutError
from scoredock_server.inputs import InputError
from scoredock_server.scoring import RunError

FAULTS = [
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    RecursionError,
    MemoryError,
    StopIteration,
    OSError,
    UnicodeError,
    ScoringTimeoutError,
]
ENDS = [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]


class Plan:
    """`run(act)` calls `act()`; the text is Python that says what it does."""

    def __init__(self, text, act):
        self.text = text
        self.act = act

    def __repr__(self):
        return self.text


def returning(strategy):
    """Return Plans that return the strategy's values."""
    return strategy.map(lambda value: Plan(f"return {_shown(value)}", lambda: value))


def calling(text, make):
    return Plan(f"return {text}", make)


def _shown(value):
    try:
        return ascii(value)[:2000]
    except BaseException as error:
        return f"<{type(value).__name__} whose repr() raises {type(error).__name__}>"


# Objects that the json module refuses, or that lie.
class Colour(enum.Enum):
    RED = "red"
    NESTED = (1, b"x", None)
    ODD = object()


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Data:
    a: object = None
    b: object = b"b"


class Slots:
    __slots__ = ("a",)


class Text(str):
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


class Whole(int):
    def __repr__(self):
        return "not a number"

    __str__ = __repr__


class Real(float):
    def __repr__(self):
        return "not a number"

    def __sub__(self, other):
        raise ValueError("no difference")


class Pairs(dict):
    def items(self):
        return [1, 2, 3]


class Endless(collections.abc.Mapping):
    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter(["a"])

    def __len__(self):
        return 1


def evil(name, fault):
    """Return an object that raises when it is asked for `name`."""

    def raises(*_arguments):
        raise fault("from " + name)

    if name.startswith("call "):
        members = {name[5:]: raises}
    elif name.startswith("__"):
        members = {name: property(raises) if name == "__class__" else raises}
    else:
        members = {name: property(raises)}
    if name == "dtype":
        members["__module__"] = "numpy"
    if name == "call to_dict":
        members.update(iloc=1, columns=[])
    return type("Evil", (), members)()


evil_names = [
    *("__class__", "__str__", "__repr__", "__len__", "__iter__", "__getattr__", "__hash__"),
    *("__getattribute__", "__eq__", "__bool__", "__float__", "__index__", "__del__", "__await__"),
    *("tolist", "model_dump", "numpy", "iloc", "columns", "dtype", "isoformat", "items"),
    *("call tolist", "call model_dump", "call numpy", "call to_dict"),
]
evils = st.builds(
    lambda name, fault: calling(f"evil({name!r}, {fault.__name__})", lambda: evil(name, fault)),
    st.sampled_from(evil_names),
    st.sampled_from(FAULTS),
)


def cyclic(kind):
    if kind == "list":
        value = []
        value.append(value)
    elif kind == "dict":
        value = {}
        value["a"] = value
    elif kind == "Data":
        value = Data()
        value.a = [value]
    elif kind == "tolist":
        value = types.SimpleNamespace()
        value.tolist = lambda: value
    else:
        value = Endless()
    return value


def nested(depth, kind):
    value = b"end" if kind == "bytes" else 1
    for _level in range(depth):
        if kind == "dict":
            value = {"a": value}
        elif kind == "Data":
            value = Data(value)
        elif kind == "deque":
            value = collections.deque([value])
        else:
            value = [value]
    return value


def generator():
    yield 1
    raise RuntimeError("in the generator")


async def coroutine(seconds=0.0, result=None, fault=None):
    await asyncio.sleep(seconds)
    if fault:
        raise fault("in the coroutine")
    return result


async def loose_ends():
    asyncio.get_running_loop().create_task(asyncio.sleep(3600))
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    return "done"


async def asynchronous_generator():
    yield 1


def released():
    view = memoryview(b"abc")
    view.release()
    return view


def proxy():
    return flask.g.made_up


makers = {
    "cyclic('list')": lambda: cyclic("list"),
    "cyclic('dict')": lambda: cyclic("dict"),
    "cyclic('Data')": lambda: cyclic("Data"),
    "cyclic('tolist')": lambda: cyclic("tolist"),
    "Endless()": Endless,
    "generator()": generator,
    "coroutine()": coroutine,
    "coroutine(result={1, 2})": lambda: coroutine(result={1, 2}),
    "coroutine(result=coroutine)": lambda: coroutine(result=coroutine),
    "coroutine(fault=SystemExit)": lambda: coroutine(fault=SystemExit),
    "coroutine(fault=ValueError)": lambda: coroutine(fault=ValueError),
    "loose_ends()": loose_ends,
    "asynchronous_generator()": asynchronous_generator,
    "proxy()": proxy,
    "flask.request": lambda: flask.request,
    "flask.current_app": lambda: flask.current_app,
    "flask.session": lambda: flask.session,
    "flask.g": lambda: flask.g,
    "memoryview released": released,
    "memoryview of ints": lambda: memoryview(b"12345678").cast("i"),
    "(status, tuple)": lambda: ("text", 404, {"a": "b"}),
    "a module": lambda: sys,
    "a class": lambda: Data,
    "a function": lambda: generator,
    "an exception": lambda: ValueError("returned"),
    "a lambda's frame": lambda: sys._getframe(),
    "Ellipsis": lambda: ...,
    "object()": object,
    "Slots()": Slots,
    "Text()": lambda: Text("x"),
    "Whole()": lambda: Whole(3),
    "Real()": lambda: Real(1.5),
    "Pairs()": lambda: Pairs(a=1),
    "{Text: Whole}": lambda: {Text("a"): Whole(1), "b": Level.LOW},
    "[Colour.ODD]": lambda: [Colour.ODD, Colour.NESTED],
    "mixed keys": lambda: {1: 1, "1": 2, None: 3, True: 4, 1.5: 5, float("nan"): 6},
    "{b'a': 1}": lambda: {b"a": {datetime.date(2026, 1, 31): {uuid.UUID(int=1): Data()}}},
    "{(1, 2): 1}": lambda: {(1, 2): 1},
    "{Colour: 1}": lambda: {Colour.RED: 1, Colour.NESTED: 2},
    "MappingProxyType": lambda: types.MappingProxyType({"a": {1}}),
    "ChainMap": lambda: collections.ChainMap({"a": 1}, {"b": Data()}),
    "UserDict": lambda: collections.UserDict(a=collections.UserList([1])),
    "deque": lambda: collections.deque([1]),
    "dict.keys()": lambda: {"a": 1}.keys(),
    "namedtuple": lambda: collections.namedtuple("N", "a b")(1, {2}),
}
plain_odds = st.sampled_from(sorted(makers)).map(lambda name: calling(name, makers[name]))
deep = st.builds(
    lambda depth, kind: calling(f"nested({depth}, {kind!r})", lambda: nested(depth, kind)),
    st.integers(1, 1100) | st.sampled_from([5000, 50_000]),
    st.sampled_from(["list", "dict", "bytes", "Data", "deque"]),
)


def _of_libraries():
    try:
        import numpy
        import pandas
        from hypothesis.extra import numpy as of_numpy
    except ImportError:
        return st.nothing()
    scalars = of_numpy.scalar_dtypes() | st.sampled_from(
        [numpy.dtype("O"), numpy.dtype([("a", "i4"), ("b", "M8[s]")])]
    )
    arrays = scalars.flatmap(
        lambda dtype: of_numpy.arrays(
            dtype,
            of_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
            elements=json_leaves if dtype.kind == "O" else None,
        )
    )
    items = arrays.map(lambda array: array.flat[0] if array.size else array)
    pandas_objects = st.sampled_from(
        [
            pandas.NaT,
            pandas.NA,
            pandas.Timestamp("2026-01-31", tz="UTC"),
            pandas.Timedelta("1d"),
            pandas.Interval(0, 1),
            pandas.Period("2026-01"),
            pandas.Series([1, None], index=[(1, 2), "b"]),
            pandas.Series([pandas.NA, 1], dtype="Int64"),
            pandas.DataFrame({"a": [1, 2], "b": [float("nan"), pandas.NaT]}),
            pandas.DataFrame([[1, 2]], columns=["a", "a"]),
            pandas.DataFrame([[1]], columns=pandas.MultiIndex.from_tuples([(1, "a")])),
            pandas.DataFrame({"c": pandas.Categorical(["x", None])}),
            pandas.DataFrame({b"bytes": [b"x"], None: [{1}]}),
            pandas.DataFrame(),
            pandas.Index([1, 2]),
            pandas.date_range("2026", periods=2),
            pandas.DataFrame,
            numpy.ndarray,
            numpy.zeros(2, "V3"),
            numpy.float64("nan"),
            numpy.str_("\ud800"),
            numpy.datetime64("NaT"),
            numpy.ma.masked_array([1, 2], [0, 1]),
            numpy.random.default_rng(1),
            numpy.dtype("i4"),
        ]
    )
    return arrays | items | pandas_objects


odd_leaves = (
    st.binary(max_size=5)
    | st.binary(max_size=5).map(bytearray)
    | st.binary(max_size=5).map(memoryview)
    | st.complex_numbers()
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.just(datetime.timezone.utc) | st.none())
    | st.timedeltas()
    | st.decimals()
    | st.sampled_from([decimal.Decimal("sNaN"), decimal.Decimal("1E+9999")])
    | st.fractions().map(fractions.Fraction)
    | st.uuids()
    | st.sampled_from([*Colour, *Level])
    | st.text(max_size=5).map(pathlib.PurePosixPath)
    | st.frozensets(st.integers() | st.binary(max_size=2), max_size=3)
    | st.just(range(3))
    | _of_libraries()
)
keys = st.text(max_size=3) | st.integers() | st.none() | st.floats() | st.dates() | st.binary()
anything = st.recursive(
    json_leaves | odd_leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(keys | st.tuples(st.integers()), inner, max_size=3)
        | st.builds(Data, inner, inner)
        | st.lists(inner, max_size=3).map(collections.deque)
        | st.dictionaries(keys, inner, max_size=2).map(types.MappingProxyType)
    ),
    max_leaves=6,
)
results = returning(anything) | returning(json_leaves) | plain_odds | evils | deep


# Exceptions.
def _exceptions(kind):
    found = [kind]
    for each in kind.__subclasses__():
        found += _exceptions(each)
    return found


class NoText(Exception):
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


class NotText(Exception):
    def __str__(self):
        return 5


class Lines(Exception):
    def __str__(self):
        return "a\r\nb\u2028\ud800\x1b[31m%s"


class Ending(BaseException):
    pass


def recursion():
    return recursion()


def chained():
    try:
        raise KeyError("a")
    except KeyError as error:
        again = ValueError("b")
        error.__cause__ = again
        raise again from error


builtin = [
    each
    for each in _exceptions(BaseException)
    if each.__module__ == "builtins" and hasattr(builtins, each.__name__)
]
others = [
    *[fault for fault in FAULTS if fault is not ScoringTimeoutError],
    *ENDS,
    *(NoText, NotText, Lines, Ending, RunError, InputError, json.JSONDecodeError),
    *(decimal.InvalidOperation, werkzeug.exceptions.NotFound, werkzeug.exceptions.BadRequest),
    *(werkzeug.exceptions.HTTPException, werkzeug.routing.RequestRedirect),
]
argument_lists = st.sampled_from(
    [
        (),
        ("text",),
        ("\ud800\r\n",),
        (5,),
        (None,),
        (b"\xff", [1]),
        ("x" * 5000,),
        ("ascii", b"\xff", 0, 1, "why"),
        ("text", ("file.py", 1, 1, "line")),
        ("text", ("file.py", "x", "y", 5)),
        ("text", [ValueError("a"), KeyError("b")]),
        (2, "no file", "/x"),
        ("https://elsewhere.example/\u00e9",),
    ]
)


def throw(kind, arguments):
    raise kind(*arguments)


def throw_with_response():
    flask.abort(flask.Response("of the script", 418))


def throw_traceback():
    error = ValueError("x")
    error.__notes__ = 5
    raise error


def throw_in_generator():
    return next(generator() for _once in [1 / 0])


raised = st.builds(
    lambda kind, arguments: Plan(
        f"raise {kind.__module__}.{kind.__name__}{_shown(arguments)}",
        lambda: throw(kind, arguments),
    ),
    st.sampled_from(builtin) | st.sampled_from(others),
    argument_lists,
) | st.sampled_from(
    [recursion, chained, throw_with_response, throw_traceback, throw_in_generator]
).map(lambda function: Plan(f"{function.__name__}()", function))


# Responses of the script's own.
statuses = (
    st.integers(-1, 1001)
    | st.sampled_from([200, 200, 200, 201, 204, 304, 400, 404, 500, 503, 599, 100, 101, 0])
    | st.sampled_from(["200", "418 Short And Stout", "404", "abc", "", " ", "200\r\nX-A: 1", "99"])
    | st.sampled_from(["200 \u00e9\u2603", "1000 x", "204 No", None, 200.0, True, b"200", "2 0 0"])
    | st.sampled_from(["200 a\x01b", "600", 10**9, "0200 OK", "+200", "\u0662\u0660\u0660 x"])
)
header_names = st.sampled_from(
    [
        *("Content-Type", "content-type", "Content-Length", "Set-Cookie", "Expires", "Connection"),
        *("Transfer-Encoding", "x-request-id", "x-ms-client-request-id", "Vary", "Location"),
        *("x-ms-run-fn-exec-ms", "x-ms-server-version", "x-ms-run-function-failed", "Upgrade"),
        *("Date", "Server", "TraceId", "Access-Control-Allow-Origin", "Keep-Alive"),
        *("", "a b", "a:b", "\u00e9", "\u2603", "a\r\nX-Injected", "a\0", "_", "A" * 300),
    ]
) | st.text("abc-", min_size=1, max_size=8)
header_values = st.text(latin, max_size=20) | st.sampled_from(
    [
        *("a,b", "text/plain", "application/json", "5", "0", "-1", "abc", "chunked", "\u2603", ""),
        *("a\r\nX-Injected: 1", "a\nb", "\r", "\0", "\x01", "\x7f", ",", ",,,", " a ", "\ud800"),
        *("Wed, 21 Oct 2026 07:28:00 GMT", "x" * 10000, "http://\u00e9.example/\u2603", "\x85"),
        *(5, None, b"bytes", ["a", "b"], True),
    ]
)
good_headers = st.dictionaries(
    st.sampled_from(["X-A", "Content-Type", "Set-Cookie", "Location", "Vary", "Expires"]),
    st.sampled_from(["a", "a, b", "text/csv", "Wed, 21 Oct 2026 07:28:00 GMT", "k=v; Path=/"]),
    max_size=2,
)
header_sets = good_headers | st.dictionaries(header_names, header_values, max_size=3) | st.none()
contents = {
    "None": lambda: None,
    "''": lambda: "",
    "'text é'": lambda: "text é",
    "'\\ud800'": lambda: "\ud800",
    "b'\\xff'": lambda: b"\xff",
    "bytearray": lambda: bytearray(b"x"),
    "5": lambda: 5,
    "{'a': 1}": lambda: {"a": 1},
    "{1: 2}": lambda: {1: 2},
    "['a', b'b']": lambda: ["a", b"b"],
    "[1]": lambda: [1],
    "[None]": lambda: [None],
    "['\\ud800']": lambda: ["\ud800"],
    "[]": list,
    "()": tuple,
    "iter(['a'])": lambda: iter(["a", b"b"]),
    "iter([1])": lambda: iter([1]),
    "generator()": generator,
    "(c for c in 'abc')": lambda: (letter for letter in "abc"),
    "object()": object,
    "float nan": lambda: float("nan"),
    "io": lambda: __import__("io").BytesIO(b"abc"),
    "evil iter": lambda: evil("__iter__", ValueError),
}
# Bodies of which nobody can tell beforehand that they cannot be sent.
BREAKING_OFF = ("iter([1])", "generator()", "evil iter")


def _aml_response(**arguments):
    from azureml.contrib.services.aml_response import AMLResponse

    return AMLResponse(**arguments)


def _set(response, name, value):
    if name == "header":
        response.headers[value[0]] = value[1]
    elif name == "plain headers":
        response.headers = dict([value])
    elif name == "cookie":
        response.set_cookie(*value)
    else:
        setattr(response, name, value)


changes = (
    st.tuples(st.sampled_from(["status_code", "status"]), statuses)
    | st.tuples(st.just("header"), st.tuples(header_names, header_values))
    | st.tuples(st.just("plain headers"), st.tuples(header_names, header_values))
    | st.tuples(st.just("cookie"), st.tuples(st.sampled_from(["k", "\u00e9", ""]), header_values))
    | st.tuples(st.sampled_from(["mimetype", "content_type", "location"]), header_values)
    | st.tuples(st.sampled_from(["direct_passthrough", "content_length"]), st.sampled_from([1, 0]))
    | st.tuples(st.just("expires"), st.datetimes())
)


def _response(kind, content, status, headers, json_str, failed, changed):
    text = f"{kind}({content}, {status!a}, {headers!a}, {json_str}, {failed}) with {changed!a}"

    def make():
        body = contents[content]()
        if kind == "AMLResponse":
            more = {} if headers is None else {"response_headers": headers}
            response = _aml_response(
                message=body,
                status_code=status,
                json_str=json_str,
                run_function_failed=failed,
                **more,
            )
        else:
            of = flask.Response if kind == "flask.Response" else werkzeug.Response
            response = of(body, status=status, headers=headers)
        for name, value in changed:
            _set(response, name, value)
        return response

    plan = calling(text, make)
    plan.breaks_off = content in BREAKING_OFF
    return plan


responses = st.builds(
    _response,
    st.sampled_from(["AMLResponse", "AMLResponse", "flask.Response", "werkzeug.Response"]),
    st.sampled_from(sorted(contents)),
    statuses,
    header_sets,
    st.sampled_from([False, False, True]),
    st.booleans(),
    st.lists(changes, max_size=2) | st.just([]),
)


# Around a deadline of a few milliseconds.
def wait(seconds):
    time.sleep(seconds)
    return "waited"


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "worked"


def stubborn(seconds):
    try:
        return work(seconds)
    except Exception:
        return "swallowed"


def collected(seconds):
    try:
        return work(seconds)
    finally:
        work(0.001)


slow = st.builds(
    lambda how, seconds: Plan(f"{how.__name__}({seconds})", lambda: how(seconds)),
    st.sampled_from([wait, work, stubborn, collected, coroutine]),
    st.floats(0, 0.006),
)
