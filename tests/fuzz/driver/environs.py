"""Requests as a WSGI server hands them over: what gunicorn lets through, and some more."""

import io
import json
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlencode

from hypothesis import strategies as st

ID_NAMES = ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"]


def mostly(usual, odd, times):
    """Choose `usual` that many times as often as `odd`; one_of() does not count repetitions."""
    return st.sampled_from([usual] * times + [odd]).flatmap(lambda chosen: chosen)


# gunicorn refuses them since version 24 or so; before that all but NUL, CR and LF.
CONTROLS = "".join(chr(code) for code in [*range(32), 127] if code != 9)
# What an HTTP server may pass on in a header: all but NUL, CR and LF, without blanks around it.
latin = st.characters(max_codepoint=255, exclude_characters=CONTROLS)
texts = st.text(latin, max_size=20).map(lambda text: text.strip(" \t"))


class BrokenInput(io.RawIOBase):
    """A body that ends in an error, as a connection does."""

    def __init__(self, body, error):
        self._body = body
        self._error = error

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._body:
            kind, arguments = self._error
            raise kind(*arguments)
        part, self._body = self._body[: len(buffer)], self._body[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class Slow(io.BytesIO):
    """A body that comes a few bytes at a time."""

    def read(self, size=-1):
        return super().read(min(size, 7))


class Request(NamedTuple):
    """What a client sent; `length` is its Content-Length, `error` how reading the body ends."""

    method: str
    path: str
    query: str
    headers: list
    body: bytes
    length: object
    error: object
    slow: bool

    @property
    def delivered(self):
        """What the WSGI server hands over: not more than was announced."""
        announced = self.announced
        return self.body if announced is None else self.body[:announced]

    @property
    def announced(self):
        if self.length is None or not re.fullmatch("[0-9]{1,15}", self.length):
            return None
        return int(self.length)

    def header(self, name):
        """Return a header as WSGI has it: repeated ones are joined; None if there is none."""
        values = [value for sent, value in self.headers if sent.lower() == name.lower()]
        return ",".join(values) if values else None

    def environ(self):
        if self.error is not None:
            stream = BrokenInput(self.delivered, self.error)
        else:
            stream = (Slow if self.slow else io.BytesIO)(self.delivered)
        path = unquote_to_bytes(self.path.encode("latin-1")).decode("latin-1")
        raw = self.path + ("?" + self.query if self.query else "")
        environ = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": self.query,
            "RAW_URI": raw,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "5001",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": "4711",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": stream,
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name in dict.fromkeys(name.lower() for name, _value in self.headers):
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = self.header(name)
        if self.length is not None:
            environ["CONTENT_LENGTH"] = self.length
        elif self.body or self.error:
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        return environ


# JSON of all kinds.
huge_numbers = st.sampled_from([10**30, -(10**400), 2**63, 10**4200, 1e308, -0.0])
json_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | huge_numbers
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
nested_text = st.builds(
    lambda depth, pair: pair[0] * depth + pair[1] * depth,
    depths,
    st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"":', "}]")]),
).map(lambda text: text.replace(":}", ":1}"))
odd_json = st.sampled_from(
    [
        "",
        " ",
        "null",
        "NaN",
        "[NaN, Infinity, -Infinity]",
        "1" * 4300,
        "1" * 5000,
        "1e999999999",
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '{"a":1,"a":2}',
        "{'a':1}",
        "[1,]",
        "\ufeff{}",
        '"\t"',
        "[" * 100,
        "tru",
        '{"count":1}{"count":1}',
    ]
)
# The parameters of the entry scripts, with values that fit, nearly fit, or do not.
cells = json_leaves | st.sampled_from([1, 2.5, "3", "x", "2026-01-31", 1e30, 2**70])
rows = st.lists(cells, max_size=3)
tables = (
    st.lists(rows, max_size=3)
    | st.lists(st.dictionaries(st.sampled_from("abcdxyz"), cells, max_size=4), max_size=3)
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
    "flag": st.booleans(),
    "data": st.lists(st.lists(st.floats() | st.integers(), min_size=2, max_size=2), max_size=3),
    "whole": st.lists(st.integers(), max_size=3) | rows,
    "table": tables,
    "dates": st.lists(st.fixed_dictionaries({"d": st.text(max_size=10) | cells}), max_size=2),
}
parameters = st.fixed_dictionaries(
    {},
    optional={
        name: values | json_values | tables if name != "count" else values
        for name, values in fitting.items()
    },
)
well_formed = st.fixed_dictionaries(
    {"count": st.integers(), "data": st.just([[1.0, 2.0]])},
    optional={name: fitting[name] for name in ("text", "numbers", "options", "flag", "table")},
)
json_texts = (
    (json_values | parameters | parameters | well_formed).map(json.dumps) | nested_text | odd_json
)


def _encoded(text, encoding):
    return text.encode(encoding, "surrogatepass")


encodings = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"])
boundary = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n"
bodies = (
    st.just(b"")
    | st.binary(max_size=200)
    | st.builds(_encoded, json_texts, encodings)
    | json_texts.map(lambda text: _encoded(text, "utf-8"))
    | st.text(max_size=50).map(lambda text: text.encode())
    | st.sampled_from([b"a=1&b=%ff&a", boundary, boundary[:30], b"--b--", b"\xff\xfe", b"\0" * 9])
    | st.sampled_from([b"x" * 100_000, b"\xc3", b"\xed\xa0\x80", b"&" * 2000])
)

# What a path may look like; the last kind is anything.
segments = st.sampled_from(
    ["score", "swagger.json", "", ".", "..", "%2e%2e", "%2F", "%00", "%0d%0a", "%ff", "%", "%zz"]
) | st.text(latin, max_size=8)
odd_paths = (
    st.lists(segments, max_size=4).map("/".join).map("/{}".format)
    | st.text(latin, max_size=15)
    | st.sampled_from(["*", "", "//score", "///", "/score/", "/%73core", "/Score", "/score;x=1"])
    | st.sampled_from(["/swagger.json/", "/score%20", "/%2Fscore", "/./score", "/score%0A"])
)
known_paths = st.sampled_from(["/score"] * 8 + ["/", "/swagger.json"])
paths = mostly(known_paths, odd_paths, 6)

query_parts = (
    st.tuples(
        st.sampled_from(["a", "count", "text", "data", "version", "", "%ff", "%C3%A9", "request"])
        | texts,
        json_texts.map(lambda text: text[:3500].encode("utf-8", "surrogatepass").decode("latin-1"))
        | st.sampled_from(["", "1", "NaN", "-Infinity", "%ff", "%", "%u1234", "%00", "+", "%22"])
        | st.sampled_from(["2", "3.1", "[[" * 480 + "]]" * 480, "%5B" * 900, "[1,2]", '"é"', "3"])
        | texts,
    ).map("=".join)
    | texts
)
queries = (
    st.just("")
    | st.lists(query_parts, max_size=4).map("&".join)
    | st.sampled_from(["&" * 3000, "a&a&a", "=", "a=1;b=2", "version=2", "version=9", "count=7"])
)

ids = st.builds(
    lambda text, size: (text * 300)[:size].strip(" \t"),
    st.text(latin, min_size=1, max_size=5),
    st.integers(0, 110) | st.sampled_from([99, 100, 101, 300]),
)
id_headers = st.tuples(st.sampled_from([*ID_NAMES, "X-Request-Id", "TraceId", "traceid"]), ids)
content_types = st.sampled_from(
    [
        *["application/json"] * 30,
        "Application/JSON; charset=latin-1",
        "application/json;;;=;charset",
        "application/x+json; charset=x\xff",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "b" * 300,
        "multipart/form-data; boundary*0=b; boundary*1*=x''%ff",
        'text/plain; charset="',
        "",
    ]
)
known_headers = st.one_of(
    st.tuples(
        st.just("Origin"),
        st.sampled_from(
            ["https://a.example", "https://A.example", "https://b.example:8", "null", "*", "x" * 99]
        )
        | texts,
    ),
    st.tuples(st.just("Host"), st.sampled_from(["a", "a:b", "[::1", "é", "a" * 300, ".."]) | texts),
    st.tuples(st.just("Access-Control-Request-Method"), st.sampled_from(["GET", "put", "é"])),
    st.tuples(st.just("Access-Control-Request-Headers"), texts),
    st.tuples(
        st.sampled_from(["Accept", "Expect", "X-Forwarded-For", "X-Forwarded-Proto", "Cookie"]),
        st.sampled_from(["100-continue", "https", "a=b; c", "*/*;q=x", ",,,", '="']) | texts,
    ),
    st.tuples(
        st.sampled_from(["X-Forwarded-Host", "Range", "If-None-Match", "Authorization", "Date"]),
        texts,
    ),
    st.tuples(
        st.sampled_from(["Content-Encoding", "Transfer-Encoding", "Upgrade", "Content-MD5"]),
        st.sampled_from(["gzip", "chunked", "identity", "websocket", "chunked, x"]) | texts,
    ),
)
tokens = st.text("abcXYZ019-!#$%&'*+.^`|~", min_size=1, max_size=12)
# These two are no headers of their own in a WSGI environ.
odd_headers = st.tuples(
    tokens.filter(lambda name: name.lower() not in ("content-type", "content-length")), texts
)
headers = st.builds(
    lambda kind, others: [("Content-Type", kind)] * (kind is not None) + others,
    content_types | st.none(),
    st.lists(id_headers | known_headers | odd_headers, max_size=5),
)
methods = st.sampled_from(
    ["POST"] * 30
    + ["GET"] * 15
    + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "X!", "*"]
)
lengths = st.sampled_from(
    ["exact"] * 40
    + ["none"] * 8
    + ["short", "long", "-1", "abc", "", "1e3", "\xb2", "1_0", "+5", "9" * 5000]
)


def _as_query(arguments):
    return urlencode([(name, json.dumps(value)) for name, value in arguments.items()])


def _errors():
    errors = [(ConnectionResetError, (104, "x")), (EOFError, ()), (ValueError, ("x",))]
    try:
        from gunicorn.http import errors as of_gunicorn
    except ImportError:
        return errors
    more = [
        ("InvalidChunkSize", (b"zz",)),
        ("ChunkMissingTerminator", (b"xx",)),
        ("NoMoreData", (b"",)),
    ]
    for name, arguments in more:
        errors.append((getattr(of_gunicorn, name), arguments))
    return errors


def _request(method, path, query, headers, body, length, error, slow):
    announced = {
        "exact": str(len(body)),
        "none": None,
        "short": str(len(body) // 2),
        "long": str(len(body) + 5),
    }
    sent = announced.get(length, length)
    if sent is not None:  # with both an HTTP server refuses the request
        headers = [each for each in headers if each[0].lower() != "transfer-encoding"]
    return Request(method, path, query, headers, body, sent, error, slow)


errors = mostly(st.none(), st.sampled_from(_errors()), 30)
requests = st.builds(
    _request, methods, paths, queries, headers, bodies, lengths, errors, st.booleans()
)
# For run() with a schema, mostly its parameters.
named = mostly(well_formed, parameters, 1)
schema_requests = st.builds(
    _request,
    methods,
    mostly(st.just("/score"), paths, 8),
    mostly(named.map(_as_query), queries, 2),
    headers,
    mostly(named.map(json.dumps).map(str.encode), bodies, 2),
    lengths,
    errors,
    st.booleans(),
)
# For what run() does, the request matters less.
short_requests = st.builds(
    _request,
    st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "OPTIONS"]),
    st.just("/score"),
    st.just(""),
    st.lists(id_headers | known_headers, max_size=1),
    st.just(b"{}"),
    st.just("exact"),
    st.none(),
    st.just(False),
)
