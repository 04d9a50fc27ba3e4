"""Requests as a WSGI server hands them over: what gunicorn lets through, and some more."""

import io
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import payloads
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData
from hypothesis import strategies as st
from payloads import latin, mostly, texts

ID_NAMES = ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"]


class BrokenInput(io.RawIOBase):
    """A body that ends in an error, as a connection does."""

    def __init__(self, body, error):
        self._body = body
        self._error = error

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._body:
            kind, *arguments = self._error
            raise kind(*arguments)
        part, self._body = self._body[: len(buffer)], self._body[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class SlowInput(io.BytesIO):
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
    length: str | None
    error: tuple | None
    slow: bool

    @property
    def announced(self):
        """The length of the body as a number; None where there is none or it is not one."""
        stated = re.fullmatch("[0-9]{1,15}", self.length or "")
        return int(stated[0]) if stated else None

    @property
    def delivered(self):
        """The body that the WSGI server hands over: not more than was announced."""
        return self.body[: self.announced]

    @property
    def broken_off(self):
        """Whether the body cannot be read to its end."""
        return self.error is not None or (self.announced or 0) > len(self.body)

    @property
    def path_info(self):
        return unquote_to_bytes(self.path.encode("latin-1")).decode("latin-1")

    def header(self, name):
        """Return a header as WSGI has it: repeated ones are joined; None if there is none."""
        values = [value for sent, value in self.headers if sent.lower() == name.lower()]
        return ",".join(values) if values else None

    def environ(self):
        if self.error is not None:
            stream = BrokenInput(self.delivered, self.error)
        else:
            stream = (SlowInput if self.slow else io.BytesIO)(self.delivered)
        environ = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path_info,
            "QUERY_STRING": self.query,
            "RAW_URI": self.path + ("?" + self.query if self.query else ""),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "5001",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": stream,
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, _value in self.headers:
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = self.header(name)
        if self.length is not None:
            environ["CONTENT_LENGTH"] = self.length
        elif self.body or self.error:
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        return environ


methods = st.sampled_from(
    ["POST"] * 30
    + ["GET"] * 15
    + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "X!", "*"]
)
segments = st.sampled_from(
    ["score", "swagger.json", "", ".", "..", "%2e%2e", "%2F", "%00", "%0d%0a", "%ff", "%", "%zz"]
) | st.text(latin, max_size=8)
odd_paths = (
    st.lists(segments, max_size=4).map("/".join).map("/{}".format)
    | st.text(latin, max_size=15)
    | st.sampled_from(["*", "", "//score", "///", "/score/", "/%73core", "/Score", "/score;x=1"])
    | st.sampled_from(["/score%20", "/%2Fscore", "/./score", "/score%0A"])
)
paths = mostly(st.sampled_from(["/score"] * 8 + ["/", "/swagger.json"]), odd_paths, 6)

ids = st.builds(
    lambda text, size: (text * 300)[:size].strip(" \t"),
    st.text(latin, min_size=1, max_size=5),
    st.integers(0, 110) | st.sampled_from([99, 100, 101, 300]),
)
id_headers = st.tuples(st.sampled_from([*ID_NAMES, "X-Request-Id", "TraceId"]), ids)
content_types = mostly(
    st.just("application/json"),
    st.sampled_from(["Application/JSON; charset=latin-1", "application/json;;;=;charset", ""])
    | st.sampled_from(["application/x-www-form-urlencoded", 'text/plain; charset="'])
    | st.sampled_from(["multipart/form-data; boundary=b", "multipart/form-data"])
    | st.just("multipart/form-data; boundary*0=b; boundary*1*=x''%ff"),
    3,
)
origins = st.sampled_from(["https://a.example", "https://A.example", "https://b.example:8", "null"])
hosts = st.sampled_from(["a", "a:b", "[::1", "é", "a" * 300, ".."])
other_names = st.sampled_from(
    ["Accept", "Expect", "Cookie", "Range", "Upgrade", "If-None-Match", "Authorization", "Date"]
) | st.sampled_from(["X-Forwarded-For", "X-Forwarded-Proto", "Content-Encoding", "Content-MD5"])
other_values = st.sampled_from(["100-continue", "https", "a=b; c", "*/*;q=x", ",,,", "gzip"])
known_headers = (
    st.tuples(st.just("Origin"), origins | texts)
    | st.tuples(st.just("Host"), hosts | texts)
    | st.tuples(st.just("Access-Control-Request-Method"), st.sampled_from(["GET", "put", "é"]))
    | st.tuples(st.just("Access-Control-Request-Headers"), texts)
    | st.tuples(other_names, other_values | texts)
)
tokens = st.text("abcXYZ019-!#$%&'*+.^`|~", min_size=1, max_size=12)
headers = st.builds(
    lambda kind, others: [("Content-Type", kind)] * (kind is not None) + others,
    mostly(content_types, st.none(), 5),
    st.lists(id_headers | known_headers | st.tuples(tokens, texts), max_size=5),
)

lengths = st.sampled_from(
    ["exact"] * 40
    + ["none"] * 8
    + ["short", "long", "-1", "abc", "", "1e3", "\xb2", "1_0", "+5", "9" * 5000]
)
errors = st.sampled_from(
    [(ConnectionResetError, 104, "x"), (EOFError,), (NoMoreData, b""), (InvalidChunkSize, b"zz")]
) | st.just((ChunkMissingTerminator, b"xx"))
some_errors = mostly(st.none(), errors, 30)


def _request(method, path, query, headers, body, length, error, slow):
    size = len(body)
    stated = {"exact": str(size), "none": None, "short": str(size // 2), "long": str(size + 5)}
    return Request(
        method, path, query, headers, body, stated.get(length, length), error, slow and size < 9999
    )


def _requests(paths=paths, queries=payloads.queries, bodies=payloads.bodies):
    return st.builds(
        _request, methods, paths, queries, headers, bodies, lengths, some_errors, st.booleans()
    )


requests = _requests()
# For run() with a schema: mostly its parameters.
named_requests = _requests(
    mostly(st.just("/score"), paths, 8), payloads.named_queries, payloads.named_bodies
)


def _plain_requests(methods):
    return st.builds(
        Request,
        st.sampled_from(methods),
        st.just("/score"),
        st.just(""),
        st.lists(id_headers | known_headers.filter(lambda each: each[0] != "Host"), max_size=1),
        st.just(b"{}"),
        st.just("2"),
        st.none(),
        st.just(False),
    )


# For what run() does the request matters less.
plain_requests = _plain_requests(["POST"] * 4 + ["GET"])
raw_requests = _plain_requests(["POST"] * 6 + ["GET", "HEAD", "OPTIONS"])
