"""What must hold for every answer, whatever the request and the script are."""

import json
import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from environs import ID_NAMES

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
STATUS = re.compile(r"[1-9][0-9]{2}( [\t\x20-\x7e\x80-\xff]*)?")
VERSION = "fuzz/1"
ORIGINS = "https://a.example, https://b\\.example(:[0-9]+)?$"
ALLOWED = re.compile(r"https://a\.example|https://b\.example(:[0-9]+)?", re.IGNORECASE)

SCRIPT = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually"
    " please check your spelling and try again."
)


class Broken(AssertionError):
    """A rule does not hold."""


class Reply(NamedTuple):
    """An answer; `cut` is the exception in the middle of a body that the script made."""

    status: str
    headers: list
    body: bytes
    cut: object

    @property
    def code(self):
        return int(self.status[:3])

    def all(self, name):
        return [value for sent, value in self.headers if sent.lower() == name.lower()]

    def one(self, name):
        values = self.all(name)
        expect(len(values) < 2, "several headers", name, values)
        return values[0] if values else None

    def json(self):
        kind = self.all("Content-Type")
        return bool(kind) and kind[0].startswith("application/json")


def expect(holds, *what):
    if not holds:
        raise Broken(" ".join(map(ascii, what))[:3000])


def sendable(reply):
    """No HTTP server refuses the answer, and nothing is injected by it."""
    expect(STATUS.fullmatch(reply.status), "status", reply.status)
    for name, value in reply.headers:
        expect(isinstance(name, str) and TOKEN.fullmatch(name), "name of a header", name)
        expect(isinstance(value, str) and VALUE.fullmatch(value), "value of a header", name, value)
    for length in reply.all("Content-Length"):
        expect(re.fullmatch("[0-9]+", length), "Content-Length", length)


def framed(request, reply):
    """The length is right, and where there must be no body there is none."""
    length = reply.one("Content-Length")
    if request.method == "HEAD" or reply.code in (204, 304):
        expect(reply.body == b"", "a body")
    elif length is not None and reply.cut is None:
        expect(int(length) == len(reply.body), "Content-Length", length, len(reply.body))


def errors_are_messages(request, reply):
    """Each error of ours is JSON with one key; every JSON can be parsed."""
    if request.method == "HEAD":
        return None
    if not reply.json():
        expect(reply.code < 400, "an error that is not JSON", reply)
        return None
    try:
        value = json.loads(reply.body)
    except ValueError as error:
        raise Broken(f"not JSON ({error}): {reply.body[:500]!a}") from None
    if reply.code >= 400:
        expect(isinstance(value, dict) and list(value) == ["message"], "an error", value)
        expect(isinstance(value["message"], str) and value["message"], "an error", value)
    return value


def _path(request):
    """Leading slashes count as one; no path at all, as in `GET http://host`, has no route."""
    path = request.environ()["PATH_INFO"]
    return path and "/" + path.lstrip("/")


def routed(request):
    """Return which route answers: "/", "/score", "/swagger.json", or None for a 404 or a 405."""
    path = _path(request)
    if path not in ("/", "/score", "/swagger.json"):
        return None
    methods = ("GET", "HEAD", "OPTIONS") + (("POST",) if path == "/score" else ())
    return path if request.method in methods else None


def is_405(request):
    path = _path(request)
    return path in ("/", "/score", "/swagger.json") and routed(request) is None


def bad_host(request):
    """werkzeug refuses some hosts, before routing."""
    host = request.header("Host")
    return host is not None and not re.fullmatch(
        r"[A-Za-z0-9-]{1,60}(\.[A-Za-z0-9-]{1,60})*(:[0-9]+)?", host
    )


def too_long(request):
    """Return which ids a request's 431 is about, and the ids that an answer echoes."""
    own, sent, client = (request.header(name) or None for name in ID_NAMES)
    if own is not None and len(own) > 100:
        return "x-request-id", {}
    echoed = {"x-request-id": own}
    if max(len(sent or client or ""), len(client or sent or "")) > 100:
        return "x-ms-request-id and x-ms-client-request-id", echoed
    echoed["x-ms-request-id"] = sent or client or own
    echoed["x-ms-client-request-id"] = client or sent
    return "", echoed


def ids_are_echoed(request, reply, full):
    """The matrix of the correlation ids; returns whether the answer is a 431 for them."""
    if routed(request) is None and not full:
        for name in [*ID_NAMES, "TraceId", "x-ms-server-version"]:
            expect(not reply.all(name), "unexpected", name)
        return False
    expect(VERSION in reply.all("x-ms-server-version"), "no x-ms-server-version")
    blamed, echoed = too_long(request)
    for name in ID_NAMES:
        got = reply.one(name)
        if name not in echoed:
            expect(got is None, "unexpected", name, got)
        elif echoed[name] is not None:
            expect(got == echoed[name], name, got, "instead of", echoed[name])
        elif name == "x-ms-client-request-id":
            expect(got is None, "unexpected", name, got)
        else:
            expect(re.fullmatch("[0-9a-f-]{36}", got or ""), "no fresh id", name, got)
    if blamed.startswith("x-request-id") or not blamed:
        pass
    expect(reply.one("TraceId") == request.header("TraceId"), "TraceId", reply.all("TraceId"))
    if blamed:
        expect(reply.code == 431, "status", reply.code, "instead of 431 for", blamed)
        if request.method != "HEAD":
            message = json.loads(reply.body)["message"]
            expect(message == f"{blamed} must not exceed 100 characters", message)
    return bool(blamed)


def origins_are_listed(request, reply):
    allowed = reply.one("Access-Control-Allow-Origin")
    origin = request.header("Origin")
    if routed(request) is None:
        expect(allowed is None, "Access-Control-Allow-Origin without a route")
    elif origin:
        matches = bool(ALLOWED.fullmatch(origin))
        expect(allowed == (origin if matches else None), "Allow-Origin", allowed, "for", origin)


def the_route_is_right(request, reply):
    """Check what does not depend on the script; returns whether /score answered."""
    route = routed(request)
    message = None
    if reply.json() and request.method != "HEAD":
        message = json.loads(reply.body)
    if reply.code == 308:
        location = reply.one("Location")
        expect(request.environ()["PATH_INFO"] == "" and "/" in location, location)
    elif route is None:
        expected = 405 if is_405(request) else 404
        expect(reply.code == expected, "status", reply.code, "instead of", expected)
        if request.method != "HEAD" and expected == 404:
            expect(message == {"message": NOT_FOUND}, message)
    elif route == "/":
        expect(reply.code == 200, "status", reply.code)
        if request.method == "GET":
            expect(reply.body == b"Healthy", reply.body)
    elif route == "/swagger.json":
        expect(reply.code in (200, 404), "status", reply.code)
    return route == "/score"


# What /score answers, by script.
def body_error(request):
    """Whether the body cannot be read to its end."""
    announced = request.announced
    return request.error is not None or (announced is not None and announced > len(request.body))


def query(request):
    """Return the names in the query string, or None where that is not UTF-8."""
    try:
        text = request.query.encode("latin-1").decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        return None


def text_is_echoed(request, reply, value):
    """Check run() that returns its text."""
    if request.method in ("HEAD", "OPTIONS"):
        expect(reply.code == (405 if request.method == "HEAD" else 200), "status", reply.code)
    elif request.method == "GET":
        expect(reply.code == 200, "status", reply.code, reply.body)
        names = query(request)
        got = json.loads(value)
        expect(isinstance(got, dict), got)
        expect(names is None or list(names) == list(got), list(got), names)
    elif body_error(request):
        expect(reply.code == 400, "status", reply.code)
    else:
        try:
            text = request.delivered.decode("utf-8")
        except UnicodeDecodeError:
            expect(reply.code == 400, "status", reply.code)
            expect("cannot be decoded as UTF-8" in value["message"], value)
        else:
            expect((reply.code, value) == (200, text), reply.code, value)


def headers_are_given(request, reply, value):
    """Check run() that returns its text and the headers."""
    if reply.code != 200 or request.method == "OPTIONS":
        return text_is_echoed(request, reply, value)
    text_is_echoed(request, reply, value["text"])
    got = {name.lower(): text for name, text in value["headers"].items()}
    for name, text in request.headers:
        if text:  # werkzeug drops an empty Content-Type
            expect(got.get(name.lower()) == request.header(name), "header", name, got)
    return None


def schema_is_kept(request, reply, value, strict):
    """Check run() with a schema; `strict` says that a value that does not fit is a 400."""
    if request.method in ("HEAD", "OPTIONS"):
        expect(reply.code == (405 if request.method == "HEAD" else 200), "status", reply.code)
        return
    if request.method == "POST":
        kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
        is_json = re.fullmatch(r"application/(json|.*\+json)", kind)
        if not is_json:
            expect(reply.code == 415, "status", reply.code)
            return
        if body_error(request):
            expect(reply.code == 400, "status", reply.code)
            return
        try:
            given = json.loads(request.delivered)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            expect(reply.code == 400, "status", reply.code, value)
            return
    expect(reply.code in ((200, 400) if strict else (200, 400, 500)), "status", reply.code, value)
    if reply.code == 500:
        expect(value == {"message": SCRIPT}, value)


def result_is_json(reply, value, plan, modes):
    """Check what run() returned, against the json module itself."""
    if reply.code == 500:
        expect(value["message"] in (SCRIPT, INTERNAL), value)
    else:
        expect(reply.code == 200, "status", reply.code)
    if modes["encode"]:
        return
    try:
        result = plan.act()
        expected = "{}" if result is None else json.dumps(result)
    except BaseException:
        expect(reply.code == 500 or "coroutine" in repr(plan) or "loose" in repr(plan), reply)
    else:
        expect(reply.code == 200 and reply.body == expected.encode(), expected, reply)
