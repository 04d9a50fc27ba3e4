"""Results of run(): any object, and those that the json module refuses or that lie to it."""

import asyncio
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid

import flask
import numpy
import pandas
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes
from payloads import json_leaves
from plans import FAULTS, Plan, shown


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


class Text(str):
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


class Real(float):
    def __repr__(self):
        return "not a number"

    __str__ = __repr__


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
    """Return an object that raises when it is asked for `name`, or at "call NAME" when called."""

    def raises(*_arguments):
        raise fault("from " + name)

    if name.startswith("call "):
        members = {name[5:]: raises}
    elif name.startswith("__"):
        members = {name: property(raises) if name == "__class__" else raises}
    else:
        members = {name: property(raises)}
    # So far that the server asks for them at all.
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
    lambda name, fault: Plan(f"return evil({name!r}, {fault.__name__})", lambda: evil(name, fault)),
    st.sampled_from(evil_names),
    st.sampled_from(FAULTS),
)


def cycle_of_lists():
    value = []
    value.append(value)
    return value


def cycle_of_data():
    value = Data()
    value.a = [value]
    return value


def own_list():
    value = types.SimpleNamespace()
    value.tolist = lambda: value
    return value


def nested(depth, wrap):
    value = 1
    for _level in range(depth):
        value = wrap(value)
    return value


wrappings = {
    "list": lambda value: [value],
    "dict": lambda value: {"a": value},
    "Data": Data,
    "deque": lambda value: collections.deque([value]),
}
deep = st.builds(
    lambda depth, kind: Plan(
        f"return nested({depth}, {kind})", lambda: nested(depth, wrappings[kind])
    ),
    st.integers(1, 1100) | st.sampled_from([5000, 50_000]),
    st.sampled_from(sorted(wrappings)),
)


def generator():
    yield 1
    raise RuntimeError("in the generator")


async def coroutine(result=None, fault=None):
    await asyncio.sleep(0)
    if fault:
        raise fault("in the coroutine")
    return result


async def loose_ends():
    asyncio.get_running_loop().create_task(asyncio.sleep(3600))
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    return "done"


def released_view():
    view = memoryview(b"abc")
    view.release()
    return view


odd_objects = {
    "cycle_of_lists()": cycle_of_lists,
    "cycle_of_data()": cycle_of_data,
    "own_list()": own_list,
    "Endless()": Endless,
    "generator()": generator,
    "coroutine({1, 2})": lambda: coroutine({1, 2}),
    "coroutine(coroutine)": lambda: coroutine(coroutine),
    "coroutine(fault=SystemExit)": lambda: coroutine(fault=SystemExit),
    "coroutine(fault=ValueError)": lambda: coroutine(fault=ValueError),
    "loose_ends()": loose_ends,
    "flask.g.nothing": lambda: flask.g.nothing,
    "flask.request": lambda: flask.request,
    "flask.session": lambda: flask.session,
    "released_view()": released_view,
    "memoryview of ints": lambda: memoryview(b"12345678").cast("i"),
    "('text', 404, {'a': 'b'})": lambda: ("text", 404, {"a": "b"}),
    "Data": lambda: Data,
    "ValueError('returned')": lambda: ValueError("returned"),
    "Text('x')": lambda: Text("x"),
    "Real(1.5)": lambda: Real(1.5),
    "Pairs(a=1)": lambda: Pairs(a=1),
    "{Text('a'): Level.LOW}": lambda: {Text("a"): Level.LOW},
    "mixed keys": lambda: {1: 1, "1": 2, None: 3, False: 4, 1.5: 5, float("nan"): 6},
    "nested keys": lambda: {b"a": {datetime.date(2026, 1, 31): {uuid.UUID(int=1): Data()}}},
    "{Colour.NESTED: 2}": lambda: {Colour.NESTED: 2},
    "ChainMap": lambda: collections.ChainMap({"a": 1}, {"b": Data()}),
    "UserDict": lambda: collections.UserDict(a=collections.UserList([1])),
}
odds = st.sampled_from(sorted(odd_objects)).map(
    lambda name: Plan(f"return {name}", odd_objects[name])
)

# Values that are made once: the server must not change them.
numpy_arrays = (
    scalar_dtypes()
    | st.sampled_from([numpy.dtype("O"), numpy.dtype([("a", "i4"), ("b", "M8[s]")])])
).flatmap(
    lambda dtype: arrays(
        dtype,
        array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        elements=json_leaves if dtype.kind == "O" else None,
    )
)
numpy_scalars = numpy_arrays.map(lambda array: array.flat[0] if array.size else array)
pandas_objects = st.sampled_from(
    [
        *(pandas.NaT, pandas.NA, pandas.Timedelta("1d"), pandas.Period("2026-01")),
        *(pandas.Timestamp("2026-01-31", tz="UTC"), pandas.date_range("2026", periods=2)),
        pandas.Series([1, None], index=[(1, 2), "b"]),
        pandas.Series([pandas.NA, 1], dtype="Int64"),
        pandas.DataFrame({"a": [1, 2], "b": [float("nan"), pandas.NaT]}),
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame([[1]], columns=pandas.MultiIndex.from_tuples([(1, "a")])),
        pandas.DataFrame({b"bytes": [b"x"], None: [{1}]}),
        *(pandas.DataFrame(), pandas.DataFrame, numpy.ndarray, numpy.dtype("i4")),
        *(numpy.str_("\ud800"), numpy.ma.masked_array([1, 2], [0, 1])),
    ]
)
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
    | st.sampled_from([decimal.Decimal("sNaN"), decimal.Decimal("1E+9999"), *Colour, Level.LOW])
    | st.fractions().map(fractions.Fraction)
    | st.uuids()
    | st.text(max_size=5).map(pathlib.PurePosixPath)
    | st.frozensets(st.integers() | st.binary(max_size=2), max_size=3)
    | st.just(range(3))
    | numpy_arrays
    | numpy_scalars
    | pandas_objects
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
values = (anything | json_leaves).map(lambda value: Plan(f"return {shown(value)}", lambda: value))
results = values | odds | evils | deep
