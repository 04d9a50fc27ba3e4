"""Responses of the script's own, most of which no HTTP server would send."""

import io

import flask
import werkzeug
from hypothesis import strategies as st
from payloads import latin, mostly
from plans import Plan

from scoredock_server.rawhttp import AMLResponse

good_statuses = st.sampled_from([200, 201, 204, 304, 400, 404, 431, 500, 503, "418 Teapot"])
odd_statuses = (
    st.integers(-1, 1001)
    | st.sampled_from(["200", "abc", "", " ", "200\r\nX-A: 1", "99"])
    | st.sampled_from(["200 \u00e9\u2603", "1000 x", "204 No", None, 200.0, b"200", "2 0 0"])
    | st.sampled_from(["200 a\x01b", 10**9, "0200 OK", "+200", "\u0662\u0660\u0660 x"])
)
statuses = mostly(good_statuses, odd_statuses, 3)
header_names = (
    st.sampled_from(["Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Date"])
    | st.sampled_from(["Set-Cookie", "Expires", "Location", "Vary", "Server", "TraceId"])
    | st.sampled_from(["x-request-id", "x-ms-client-request-id", "x-ms-run-function-failed"])
    | st.sampled_from(["x-ms-run-fn-exec-ms", "Access-Control-Allow-Origin", "content-type"])
    | st.sampled_from(["", "a b", "a:b", "é", "\u2603", "a\r\nX-Injected", "a\0", "_", "A" * 300])
    | st.text("abc-", min_size=1, max_size=8)
)
header_values = (
    st.text(latin, max_size=20)
    | st.sampled_from(["a,b", "text/plain", "application/json", "5", "0", "-1", "chunked", ""])
    | st.sampled_from(["a\r\nX-Injected: 1", "a\nb", "\r", "\0", "\x01", "\x7f", "\x85", " a "])
    | st.sampled_from([",", "\u2603", "\ud800", "x" * 10000, "http://\u00e9.example/\u2603"])
    | st.sampled_from(["Wed, 21 Oct 2026 07:28:00 GMT", 5, None, b"bytes", ["a", "b"], True])
)
good_headers = st.dictionaries(
    st.sampled_from(["X-A", "Content-Type", "Set-Cookie", "Location", "Vary", "Expires"]),
    st.sampled_from(["a", "a, b", "text/csv", "Wed, 21 Oct 2026 07:28:00 GMT", "k=v; Path=/"]),
    max_size=2,
)
odd_headers = st.dictionaries(header_names, header_values, min_size=1, max_size=3)
header_sets = mostly(good_headers, odd_headers, 3)


class Unreadable:
    def __iter__(self):
        raise ValueError("no body")


def broken_generator():
    yield b"a"
    raise RuntimeError("in the body")


bodies = {
    "None": lambda: None,
    "'text é'": lambda: "text é",
    "b'\\xff'": lambda: b"\xff",
    "bytearray(b'x')": lambda: bytearray(b"x"),
    "5": lambda: 5,
    "{'a': 1}": lambda: {"a": 1},
    "{1: 2}": lambda: {1: 2},
    "['a', b'b']": lambda: ["a", b"b"],
    "[1]": lambda: [1],
    "['\\ud800']": lambda: ["\ud800"],
    "[]": list,
    "iter(['a', b'b'])": lambda: iter(["a", b"b"]),
    "iter([1])": lambda: iter([1]),
    "broken_generator()": broken_generator,
    "BytesIO(b'abc')": lambda: io.BytesIO(b"abc"),
    "Unreadable()": Unreadable,
}
# Of these nobody can tell beforehand that they cannot be sent.
BREAKING_OFF = ("{1: 2}", "iter([1])", "broken_generator()", "Unreadable()")


def _change(response, name, value):
    if name == "header":
        response.headers[value[0]] = value[1]
    elif name == "headers":
        response.headers = dict([value])
    elif name == "cookie":
        response.set_cookie(*value)
    else:
        setattr(response, name, value)


changes = (
    st.tuples(st.sampled_from(["status_code", "status"]), statuses)
    | st.tuples(st.sampled_from(["header", "headers"]), st.tuples(header_names, header_values))
    | st.tuples(st.just("cookie"), st.tuples(st.sampled_from(["k", "\u00e9", ""]), header_values))
    | st.tuples(st.sampled_from(["mimetype", "content_type", "location"]), header_values)
    | st.tuples(st.just("content_length"), st.sampled_from([1, 0]))
)


def _plan(kind, body, status, headers, more, changed):
    def act():
        response = kind(bodies[body](), status, headers, *more)
        for name, value in changed:
            _change(response, name, value)
        return response

    text = f"return {kind.__name__}({body}, {status!a}, {headers!a}, *{more}) with {changed!a}"
    return Plan(text, act, breaks_off=body in BREAKING_OFF)


some_changes = mostly(st.just([]), st.lists(changes, min_size=1, max_size=2), 2)
json_and_failed = st.tuples(st.sampled_from([False, False, True]), st.booleans())
names = st.sampled_from(sorted(bodies))
responses = st.builds(
    _plan, st.just(AMLResponse), names, statuses, header_sets, json_and_failed, some_changes
) | st.builds(
    _plan,
    st.sampled_from([flask.Response, werkzeug.Response]),
    names,
    statuses,
    header_sets,
    st.just(()),
    some_changes,
)
