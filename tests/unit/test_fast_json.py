import inspect
import json
import math
import pickle
from decimal import Decimal
from enum import Enum, IntEnum

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoredock_server.fast_json import make_dumps, make_loads

LOADS = make_loads(json.loads, orjson.loads)
DUMPS = make_dumps(json.dumps, orjson.dumps)

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
FLOATS = st.floats() | st.sampled_from([1e16, 1e-5, 0.0001, -0.0, 5e-324, 123456789012345680.0])
INTEGERS = (
    st.integers() | st.integers(-(10**40), 10**40) | st.sampled_from([2**63, 2**64, -(2**63)])
)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30
)
NUMBER_LISTS = st.lists(INTEGERS | FLOATS, min_size=16, max_size=30) | st.lists(
    st.lists(FLOATS, max_size=4), min_size=1
)
# What JSON and its neighbours are made of: nearly every mistake is near.
PIECES = st.sampled_from([
    *'[]{},:"\\ \t\n/.+-eE0123456789\ufeff\ud800\u00e9\u0661\x00\x1f\x7f',
    *["true", "null", "NaN", "-Infinity", "\\u", "\\ud800", "\\udc00", "1e999", "-0", "1234567890"],
    *['"a":', '"a"', "{}", "[]", "1.5", "/*", "'"],
])  # fmt: skip


class Color(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Rows(list):
    pass


class Text(str):
    pass


def outcome(function, *arguments, **options):
    """Return everything that a caller can see: value and types, or the error and its place."""
    try:
        value = function(*arguments, **options)
    except Exception as error:
        return type(error), str(error), vars(error), repr(error.__context__)
    return exactly(value)


def exactly(value):
    if isinstance(value, dict):
        return "dict", [(exactly(key), exactly(item)) for key, item in value.items()]
    if isinstance(value, list):
        return "list", [exactly(item) for item in value]
    return type(value).__name__, repr(value)


@settings(max_examples=400, deadline=None)
@given(
    VALUES, st.sampled_from([None, 1]), st.booleans(), st.sampled_from(["str", "bytes", "utf-16"])
)
def test_what_is_written_is_read_as_the_standard_library_reads_it(value, indent, ascii_only, form):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if form != "str":
        text = text.encode("utf-8" if form == "bytes" else form, "surrogatepass")

    assert outcome(LOADS, text) == outcome(json.loads, text)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example("")
@example("[1,]")
@example('{"a":1,"b":2,"a":3}')
@example("18446744073709551616")
@example("-9223372036854775809")
@example('{"a": 00000000000000000000}')
@example("[0.00000000000000000000000000000000000001]")
@example("1" * 5000)
@example("\ufeff1")
def test_what_is_not_quite_json_fails_or_passes_as_with_the_standard_library(text):
    assert outcome(LOADS, text) == outcome(json.loads, text)
    data = text.encode("utf-8", "surrogatepass")
    assert outcome(LOADS, data) == outcome(json.loads, data)


@settings(max_examples=400, deadline=None)
@given(st.from_regex(r"\A-?[0-9]{1,25}(\.[0-9]{0,25})?([eE][-+]?[0-9]{1,4})?\Z"))
def test_every_number_is_read_as_the_standard_library_reads_it(text):
    for document in (text, f"[{text}]", f'{{"a": {text}}}', f"[1,\n{text} ]"):
        assert outcome(LOADS, document) == outcome(json.loads, document)


@pytest.mark.parametrize(
    "odd",
    [
        *(2**63, 2**64, -(2**63), -(2**63) - 1, 10**30, 1e300, -1e19, 5e-324, True, None, "x", []),
        *({}, [2**64], [[0.5] * 400] * 3, [0.5] * 399 + [2**64], {"a": [0.5, -(2**64)], "b": 1}),
    ],
)
def test_a_long_table_with_one_odd_value_is_read_as_the_standard_library_reads_it(odd):
    rows = [[0.25, 3, -1.5e-7] * 200 for _ in range(5)]
    tables = [
        {"data": [*rows, odd]},
        {"data": [odd, *rows]},
        {"data": [*rows, [0.5] * 400 + [odd]]},
        {"data": rows, "more": odd},
        [[[odd, *rows]]],
        [[rows], [[odd] + [1] * 400]],
    ]
    for text in map(json.dumps, tables):
        assert outcome(LOADS, text) == outcome(json.loads, text)
        assert outcome(LOADS, text.encode()) == outcome(json.loads, text)


@settings(deadline=None)
@given(st.binary(max_size=12))
@example(b"\xff\xfe1\x00")
@example(b"\xef\xbb\xbf1")
@example(b'"\xed\xa0\x80"')
def test_bytes_are_decoded_as_the_standard_library_decodes_them(data):
    assert outcome(LOADS, data) == outcome(json.loads, data)
    assert outcome(LOADS, bytearray(data)) == outcome(json.loads, bytearray(data))


@pytest.mark.parametrize("depth", [90, 110, 800, 1000, 1020, 1100, 20000])
@pytest.mark.parametrize("form", ["{}{}{}", '{{"a": [{}1{}]}}'])
def test_nesting_ends_where_it_ends_in_the_standard_library(depth, form):
    text = form.format("[" * depth, "1" if "1" not in form else "", "]" * depth)

    assert outcome(depth_of, LOADS, text) == outcome(depth_of, json.loads, text)


def depth_of(loads, text):
    """Return the depth without recursion, or the name of the error."""
    try:
        value = loads(text)
    except RecursionError:
        return "RecursionError"
    depth = 0
    while isinstance(value, (list, dict)):
        value = next(iter(value.values() if isinstance(value, dict) else value))
        depth += 1
    return depth


@pytest.mark.parametrize("value", [None, 1, memoryview(b"1"), ["1"], Text("[1]"), b"", bytearray()])
def test_what_is_no_text_is_refused_or_read_as_by_the_standard_library(value):
    assert outcome(LOADS, value) == outcome(json.loads, value)


@pytest.mark.parametrize(
    "options",
    [
        {"parse_float": Decimal},
        {"parse_int": float},
        {"parse_constant": str},
        {"object_hook": sorted},
        {"object_pairs_hook": list},
        {"cls": None},
        {"strict": False},
        {"encoding": "latin-1"},
        {"wrong": 1},
    ],
)
def test_keyword_arguments_have_their_effect(options):
    text = '{"b": [1, 1.5, NaN], "a": "x\ty"}'
    assert outcome(LOADS, text, **options) == outcome(json.loads, text, **options)


@settings(max_examples=400, deadline=None)
@given(VALUES | NUMBER_LISTS | st.dictionaries(TEXTS, NUMBER_LISTS | SCALARS))
def test_values_are_written_as_by_the_standard_library(value):
    assert outcome(DUMPS, value) == outcome(json.dumps, value)
    for options in ({"allow_nan": False}, {"default": str}, {"indent": 1}, {"sort_keys": True}):
        assert outcome(DUMPS, value, **options) == outcome(json.dumps, value, **options)


@pytest.mark.parametrize(
    "value",
    [
        [Color.RED] * 20,
        [Level.LOW] * 20,
        [True] * 20,
        [Decimal(1)] * 20,
        [1] * 20 + [10**30],
        [[1.5, None]],
        [[1.5], (1.5,)],
        [Rows([1.5])],
        Rows([1.5] * 20),
        {"a": [1.5] * 20, "b": Color.RED},
        {"a": [1.5] * 20, 2: 1},
        {"a": [1.5] * 20, Text("b"): 1},
        {"a": [1.5] * 20, ("b",): 1},
        {"a": [1.5] * 20, "b": math.nan},
        {"é": [1.5] * 20, '"': "\ud800", "n": None, "t": True},
    ],
)
def test_what_only_looks_simple_is_written_as_by_the_standard_library(value):
    assert outcome(DUMPS, value) == outcome(json.dumps, value)
    assert outcome(DUMPS, value, allow_nan=False) == outcome(json.dumps, value, allow_nan=False)


def test_what_somebody_puts_into_the_module_counts(monkeypatch):
    class Shouting(json.JSONEncoder):
        def encode(self, o):
            return "LOUD"

    class Deaf(json.JSONDecoder):
        def decode(self, s):
            return "silence"

    monkeypatch.setattr(json, "_default_encoder", Shouting())
    monkeypatch.setattr(json, "_default_decoder", Deaf())

    assert (DUMPS([1.5] * 20), LOADS("[1]")) == ("LOUD", "silence")


def test_the_speed_is_not_from_the_standard_library_alone():
    refuse = make_loads(lambda s: pytest.fail("the standard library was asked"), orjson.loads)
    assert refuse('{"data": [[0.123456789, 1, "x"], [true, null, -3e5]]}')
    assert refuse(json.dumps([[0.00012345678901234567] * 50] * 500))
    refuse = make_dumps(lambda obj: '"a"', orjson.dumps)
    assert refuse([[1.5, 2]]) == "[[1.5, 2]]"
    assert refuse({"a": [0.25] * 16}) == '{"a": [' + ", ".join(["0.25"] * 16) + "]}"


def test_the_functions_look_like_those_that_they_replace(monkeypatch):
    monkeypatch.setattr(json, "loads", LOADS)
    monkeypatch.setattr(json, "dumps", DUMPS)

    assert pickle.loads(pickle.dumps(json.loads)) is LOADS
    assert inspect.signature(json.loads) == inspect.signature(LOADS.__wrapped__)
    assert (json.dumps.__name__, json.dumps.__module__) == ("dumps", "json")
    assert "JSON" in json.dumps.__doc__
