"""Bodies and queries: JSON that fits a schema, nearly fits, or is none, and bytes of all kinds."""

import json
from urllib.parse import urlencode

from hypothesis import strategies as st

# What an HTTP server may pass on in a header: no control character, and no blanks around it.
CONTROLS = "".join(chr(code) for code in [*range(32), 127] if chr(code) != "\t")
latin = st.characters(max_codepoint=255, exclude_characters=CONTROLS)
texts = st.text(latin, max_size=20).map(lambda text: text.strip(" \t"))


def mostly(usual, odd, times):
    """Choose `usual` that many times as often as `odd`; one_of() does not count repetitions."""
    return st.sampled_from([usual] * times + [odd]).flatmap(lambda chosen: chosen)


json_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([10**30, -(10**400), 2**63, 10**4200, 1e308, -0.0])
    | st.sampled_from(["\ud800", "\0", "\u2028", "2026-01-31T00:00:00Z", "YWJj", "x" * 3000])
)
json_values = st.recursive(
    json_leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
# Around the depths at which the parser, the encoder and the interpreter give up.
depths = st.integers(1, 1100) | st.sampled_from([5000, 100_000])
nested_json = st.builds(
    lambda depth, parts: parts[0] * depth + "1" + parts[1] * depth,
    depths,
    st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"":', "}]")]),
)
odd_json = st.sampled_from(
    ["", " ", "NaN", "[NaN, -Infinity]", "1" * 4300, "1" * 5000, "1e999999999", '"\\ud800"']
) | st.sampled_from(['{"a":1,"a":2}', "{'a':1}", "[1,]", "\ufeff{}", '"\t"', "[" * 100, "tru"])

# The parameters of entries/schema.py.
cells = json_leaves | st.sampled_from([1, 2.5, "3", "x", "2026-01-31", 1e30, 2**70])
rows = st.lists(cells, max_size=3)
tables = (
    st.lists(rows, max_size=3)
    | st.lists(st.dictionaries(st.sampled_from("abcdx"), cells, max_size=4), max_size=3)
    | st.dictionaries(st.sampled_from(["a", "b", "c", "columns", "data", "index"]), rows)
    | st.lists(st.fixed_dictionaries({"a": cells, "b": cells, "c": cells}), max_size=2)
)
fitting = {
    "count": st.integers() | st.just(True),
    "text": st.text(max_size=5),
    "numbers": st.lists(st.floats() | st.integers(), max_size=3),
    "options": st.dictionaries(st.sampled_from(["a", "b"]), st.integers(), max_size=2),
    "blob": st.sampled_from(["YWJj", "!!", "YWJ", "é"]),
    "when": st.sampled_from(["2026-01-31", "yesterday", "99999999999", "1-1-1", "0001-01-01T"]),
    "data": st.lists(st.lists(st.floats() | st.integers(), min_size=2, max_size=2), max_size=3),
    "whole": st.lists(st.integers(), max_size=3) | rows,
    "table": tables,
    "dates": st.lists(st.fixed_dictionaries({"d": st.text(max_size=10) | cells}), max_size=2),
}
parameters = st.fixed_dictionaries(
    {}, optional={name: values | json_values | tables for name, values in fitting.items()}
)
well_formed = st.fixed_dictionaries(
    {"count": st.integers(), "data": st.just([[1.0, 2.0]])},
    optional={name: fitting[name] for name in ("text", "numbers", "options", "table")},
)
named = mostly(well_formed, parameters, 1)

json_texts = (json_values | named).map(json.dumps) | nested_json | odd_json
encodings = mostly(
    st.just("utf-8"), st.sampled_from(["utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"]), 4
)
FORM = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n"
bodies = (
    st.binary(max_size=200)
    | st.text(max_size=50).map(str.encode)
    | st.builds(lambda text, kind: text.encode(kind, "surrogatepass"), json_texts, encodings)
    | st.sampled_from([b"", b"a=1&b=%ff&a", FORM, FORM[:30], b"--b--", b"\xff\xfe", b"\0" * 9])
    | st.sampled_from([b"x" * 100_000, b"\xc3", b"\xed\xa0\x80", b"&" * 2000])
)
named_bodies = mostly(named.map(json.dumps).map(str.encode), bodies, 2)

query_names = st.sampled_from(["a", "count", "data", "version", "", "%ff", "%C3%A9"]) | texts
query_values = (
    json_texts.map(lambda text: text[:3500].encode("utf-8", "surrogatepass").decode("latin-1"))
    | st.sampled_from(["", "2", "3.1", "NaN", "%ff", "%", "%u1234", "%00", "+", "%22", '"é"'])
    | st.sampled_from(["[[" * 480 + "]]" * 480, "%5B" * 900])
    | texts
)
queries = (
    st.lists(st.tuples(query_names, query_values).map("=".join) | texts, max_size=4).map("&".join)
    | st.just("")
    | st.sampled_from(["&" * 3000, "a&a&a", "=", "a=1;b=2", "version=9"])
)
named_queries = mostly(
    named.map(lambda given: urlencode({name: json.dumps(given[name]) for name in given})),
    queries,
    2,
)
