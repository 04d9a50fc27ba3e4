"""The kinds of applications: an entry script, the server's settings, and what must hold there."""

import asyncio
import inspect
import json
from collections.abc import Callable
from typing import NamedTuple

import environs
import plans
import responses
import results
from hypothesis.strategies import SearchStrategy, none
from rules import expect, refused

IMPROVED = {"SCOREDOCK_COMPATIBILITY": "improved"}
NAN_AS_NULL = {**IMPROVED, "SCOREDOCK_NAN_AS_NULL": "true"}


class Kind(NamedTuple):
    """`faults` are how the errors begin that the script may log."""

    script: str
    check: Callable
    variables: dict = {}  # noqa: RUF012 - nobody changes it
    requests: SearchStrategy = environs.requests
    plans: SearchStrategy = none()
    faults: tuple = ()
    own_responses: bool = False


def check_text(request, reply, _plan):
    if request.method == "HEAD":
        expect(reply.code == 405, "status", reply)
    elif request.method == "OPTIONS":
        expect((reply.code, reply.body) == (200, b""), reply)
    elif request.method == "GET":
        value = reply.json()
        expect(reply.code == 200 and isinstance(json.loads(value["text"]), dict), reply)
        check_headers(request, value["headers"])
    elif reply.code == 200:
        value = reply.json()
        expect(value["text"].encode() == request.delivered, reply, request.delivered)
        expect(not request.broken_off, "no error, though the body broke off")
        check_headers(request, value["headers"])
    else:
        expect(reply.code == 400, "status", reply)
        expect(request.broken_off or not is_utf_8(request.delivered), reply)


def check_headers(request, got):
    got = {name.lower(): text for name, text in got.items()}
    for name, text in request.headers:
        if text:  # werkzeug drops an empty Content-Type
            expect(got.get(name.lower()) == request.header(name), "header", name, got)


def is_utf_8(body):
    try:
        return body.decode() is not None
    except UnicodeDecodeError:
        return False


def check_schema(request, reply, _plan):
    if request.method in ("GET", "POST"):
        expect(reply.code in (200, 400, 415, 500), "status", reply)
        expect(reply.code != 200 or len(reply.json()) == 11, reply)


def check_schema_strictly(request, reply, plan):
    """A value that does not fit is never a fault of the script."""
    expect(reply.code != 500, "status", reply)
    check_schema(request, reply, plan)


def check_raw(request, reply, _plan):
    if reply.code == 500:  # the script's own get_data() failed
        expect(request.broken_off or refused(request), reply)
    else:
        expect(reply.code == 200, "status", reply)
        if request.method != "HEAD":
            expect(bytes.fromhex(reply.json()["body"]) == request.delivered, reply)


def check_result(request, reply, plan):
    """What the json module does not write is a fault of the script."""
    expect(reply.code == 500 or json_text(plan) is not None, reply)
    check_encoded_result(request, reply, plan)


def check_encoded_result(_request, reply, plan):
    """What the json module writes is written alike."""
    text = json_text(plan)
    if reply.code == 500:  # our stack is not as deep as the server's
        expect(text is None or plan.text.startswith("return nested"), text, reply)
    else:
        reply.json()
        expect(reply.code == 200, "status", reply)
        expect(text is None or reply.body == text.encode(), text, reply)


def check_result_without_nan(request, reply, plan):
    def refuse(constant):
        expect(False, constant, reply)

    json.loads(reply.body, parse_constant=refuse)
    text = json_text(plan)
    if text is None or ("NaN" not in text and "Infinity" not in text):
        check_encoded_result(request, reply, plan)


def json_text(plan):
    """Return what the json module makes of run()'s result, or None."""
    try:
        result = plan.act()
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        return "{}" if result is None else json.dumps(result)
    except BaseException:
        return None


def check_raised(_request, reply, _plan):
    expect(reply.code == 500, "status", reply)


def check_slow(_request, reply, _plan):
    if reply.code == 200:
        expect(reply.json() in ("waited", "worked", "swallowed"), reply)
    else:
        expect(reply.json()["message"].startswith("Scoring timeout after 3"), reply)


def check_nothing(_request, _reply, _plan):
    pass


OF_RUN = ("run() failed", "run() was ended")
OF_RESULTS = (*OF_RUN, "what run() returned cannot be written as JSON")
PLAIN = environs.plain_requests
RESULTS = (PLAIN, results.results, OF_RESULTS)
KINDS = {
    "text": Kind("text", check_text),
    "text_improved": Kind("text", check_text, IMPROVED),
    "schema": Kind("schema", check_schema, {}, environs.named_requests, faults=OF_RUN),
    "schema_improved": Kind("schema", check_schema_strictly, IMPROVED, environs.named_requests),
    "raw": Kind("raw", check_raw, faults=OF_RUN),
    "results": Kind("planned", check_result, {}, *RESULTS),
    "results_improved": Kind("planned", check_encoded_result, IMPROVED, *RESULTS),
    "results_without_nan": Kind("planned", check_result_without_nan, NAN_AS_NULL, *RESULTS),
    "raised": Kind("planned_raw", check_raised, {}, environs.raw_requests, plans.raised, OF_RUN),
    "responses": Kind(
        "planned_raw",
        check_nothing,
        IMPROVED,
        environs.raw_requests,
        responses.responses,
        (*OF_RUN, "run() returned a response with"),
        own_responses=True,
    ),
    "slow": Kind(
        "planned",
        check_slow,
        {"SCORING_TIMEOUT_MS": "3"},
        PLAIN,
        plans.slow,
        ("run() was stopped",),
    ),
}
