"""What must hold for every answer, whatever the request and the script are."""

import json
import re
import traceback
from typing import NamedTuple

from environs import ID_NAMES

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
STATUS = re.compile(r"[2-9][0-9]{2}( [\t\x20-\x7e\x80-\xff]*)?")

ROUTES = {
    "/": ("GET", "HEAD", "OPTIONS"),
    "/swagger.json": ("GET", "HEAD", "OPTIONS"),
    "/score": ("GET", "HEAD", "OPTIONS", "POST"),
}
ORIGINS = "https://a.example, https://b\\.example(:[0-9]+)?$"
LISTED = re.compile(r"https://a\.example|https://b\.example(:[0-9]+)?", re.IGNORECASE)


class BrokenRuleError(AssertionError):
    """A rule does not hold."""


class Reply(NamedTuple):
    """An answer; `cut` is the exception in the middle of its body."""

    status: str
    headers: list
    body: bytes
    cut: BaseException | None

    @property
    def code(self):
        return int(self.status[:3])

    def one(self, name):
        """Return the only header of that name, or None."""
        values = [value for sent, value in self.headers if sent.lower() == name.lower()]
        expect(len(values) < 2, "several headers", name, values)
        return values[0] if values else None

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BrokenRuleError(f"not JSON ({error}): {self.body[:500]!a}") from None


def expect(holds, *what):
    if not holds:
        raise BrokenRuleError(" ".join(map(ascii, what))[:3000])


def sendable(reply):
    """No HTTP server refuses the answer, and nothing is injected by it."""
    expect(STATUS.fullmatch(reply.status), "status", reply.status)
    for name, value in reply.headers:
        expect(isinstance(name, str) and TOKEN.fullmatch(name), "name of a header", name)
        expect(isinstance(value, str) and VALUE.fullmatch(value), "value of a header", name, value)
        if name.lower() == "content-length":
            expect(re.fullmatch("[0-9]+", value), name, value)
    reply.one("Content-Length")  # there is one at most


def framed(request, reply):
    """The length is right, and where there must be no body there is none."""
    if request.method == "HEAD" or reply.code in (204, 304):
        expect(reply.body == b"", "a body", reply)
    else:
        expect(reply.one("Content-Length") == str(len(reply.body)), "Content-Length", reply)


def errors_are_messages(request, reply):
    """Each error is JSON with one message."""
    if reply.code >= 400 and request.method != "HEAD":
        expect(reply.one("Content-Type") == "application/json", "an error that is not JSON", reply)
        value = reply.json()
        expect(isinstance(value, dict) and list(value) == ["message"], "an error", value)
        expect(value["message"] and isinstance(value["message"], str), "an error", value)


def refused(request):
    """Whether werkzeug may refuse the host, before there is a route."""
    return request.header("Host") not in (None, "a")


def route(request):
    """Return the path of the route that answers, or None."""
    # Leading slashes count as one; no path at all, as in `GET http://host`, has no route.
    path = request.path_info and "/" + request.path_info.lstrip("/")
    return path if request.method in ROUTES.get(path, ()) else None


def routes_answer(request, reply):
    """Check what does not depend on the script."""
    found = route(request)
    if found is None:
        expect(reply.code in (404, 405, 431, 308), "status", reply)
    elif found != "/score":
        expect(reply.code in (200, 404, 431), "status", reply)
        expect(found != "/" or reply.body in (b"Healthy", b"") or reply.code == 431, reply)


def ids_are_echoed(request, reply):
    """An answer has the ids of its request, unless they are too long."""
    if route(request) is None:
        return
    sent = {name: request.header(name) or None for name in ID_NAMES}
    if max(len(text or "") for text in sent.values()) > 100:
        expect(reply.code == 431, "status", reply)
        return
    for name, text in sent.items():
        if text:
            expect(reply.one(name) == text, name, reply, "instead of", text)
        elif name != "x-ms-client-request-id":
            expect(reply.one(name), "no", name, reply)
    trace = request.header("TraceId")
    expect(trace is None or reply.one("TraceId") == trace, "TraceId", reply)


def origins_are_listed(reply):
    allowed = reply.one("Access-Control-Allow-Origin")
    expect(allowed is None or LISTED.fullmatch(allowed), "Access-Control-Allow-Origin", allowed)


def faults_are_of_the_script(record, faults):
    """What is logged as an error is a fault that this script may have, and arose there."""
    message = record.getMessage()
    if record.name == "asyncio":  # what a coroutine left behind
        return
    error = record.exc_info[1] if record.exc_info else None
    expect(faults and message.startswith(faults), "logged:", message, story(error))
    files = [frame.filename for frame in traceback.extract_tb(error and error.__traceback__)]
    ours = ["scoredock_server" in file for file in files]
    if message.startswith("run() failed"):
        expect(not all(ours), "not of the script:", message, story(error))
    elif message.startswith("what run() returned"):
        refusal = isinstance(error, (TypeError, ValueError, RecursionError))
        expect(refusal or not ours[-1], "not of the result:", message, story(error))


def story(error):
    """Return the traceback and the kind of error; its text may be what cannot be made."""
    if error is None:
        return ""
    return "".join(traceback.format_tb(error.__traceback__)) + ascii(type(error))
