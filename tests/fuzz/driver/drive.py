"""Drive one kind of application with Hypothesis, in a process of its own.

Usage: drive.py KIND EXAMPLES SEED; the report is one line of JSON. Loading an entry script changes
the process (sys.modules, print, logging), which is why each kind has its own.
"""

import collections
import faulthandler
import io
import json
import logging
import os
import sys
import time
import traceback
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import none

import answers
import environs
import rules

ENTRIES = Path(__file__).parents[1] / "entries"
# No request takes that long, on any machine: then something hangs.
HANGS_AFTER = 60
IMPROVED = {"SCOREDOCK_COMPATIBILITY": "improved"}

# Where a script's own errors come from.
OF_SCRIPTS = [str(path) for path in [*ENTRIES.glob("*.py"), answers.__file__]]
# What is logged when it is the script's fault.
OF_THE_SCRIPT = (
    "run() failed",
    "run() was stopped",
    "run() was ended",
    "what run() returned cannot be written as JSON",
    "run() returned a response",
)


class Kind(NamedTuple):
    """An entry script, the server's settings, and what requests and run() are like."""

    script: str
    check: object
    variables: dict = {}
    requests: object = environs.requests
    plans: object = none()


def check_text(request, reply, value, _plan):
    rules.text_is_echoed(request, reply, value)


def check_headers(request, reply, value, _plan):
    rules.headers_are_given(request, reply, value)


def check_schema(request, reply, value, _plan):
    rules.schema_is_kept(request, reply, value, strict=False)


def check_schema_strictly(request, reply, value, _plan):
    rules.schema_is_kept(request, reply, value, strict=True)


def check_raw(request, reply, _value, _plan):
    bodies = sys.modules["entry_module"].bodies
    got, bodies[:] = list(bodies), []
    if request.error is not None:
        rules.expect(reply.code in (200, 500), "status", reply.code)
    elif got:
        rules.expect(got == [request.delivered], "run() got", got, "of", request.delivered)
    else:
        rules.expect(rules.body_error(request), "run() got nothing")


def check_result(request, reply, value, plan):
    if request.method in ("GET", "POST"):
        rules.result_is_json(reply, value, plan, {"encode": False})


def check_encoded_result(request, reply, value, plan):
    if request.method in ("GET", "POST"):
        rules.result_is_json(reply, value, plan, {"encode": True})


def check_raised(request, reply, value, _plan):
    if request.method in ("GET", "POST"):
        rules.expect(reply.code == 500, "status", reply.code)
        message = value["message"]
        rules.expect(message in (rules.SCRIPT, "", "text") or value, value)


def check_slow(request, reply, value, plan):
    if request.method in ("GET", "POST"):
        done = reply.code == 200 and value in ("waited", "worked", "swallowed", {})
        stopped = reply.code == 500 and value["message"].startswith("Scoring timeout after 3")
        rules.expect(done or stopped, reply)


def check_nothing(_request, _reply, _value, _plan):
    pass


NAMED = environs.schema_requests
SHORT = environs.short_requests
KINDS = {
    "text": Kind("text", check_text),
    "text_improved": Kind("text", check_text, IMPROVED),
    "headers": Kind("headers", check_headers),
    "schema": Kind("schema", check_schema, {}, NAMED),
    "schema_improved": Kind("schema", check_schema_strictly, IMPROVED, NAMED),
    "arrays": Kind("arrays", check_schema, {}, NAMED),
    "arrays_improved": Kind("arrays", check_schema_strictly, IMPROVED, NAMED),
    "raw": Kind("raw", check_raw),
    "results": Kind("given", check_result, {}, SHORT, answers.results),
    "results_improved": Kind("given", check_encoded_result, IMPROVED, SHORT, answers.results),
    "results_without_nan": Kind(
        "given",
        check_encoded_result,
        {**IMPROVED, "SCOREDOCK_NAN_AS_NULL": "true"},
        SHORT,
        answers.results,
    ),
    "raised": Kind("given", check_raised, {}, SHORT, answers.raised),
    "raised_raw": Kind("given_raw", check_nothing, {}, SHORT, answers.raised),
    "responses": Kind("given", check_nothing, {}, SHORT, answers.responses),
    "responses_raw": Kind("given_raw", check_nothing, IMPROVED, SHORT, answers.responses),
    "slow": Kind("given", check_slow, {"SCORING_TIMEOUT_MS": "3"}, SHORT, answers.slow),
}


class Records(logging.Handler):
    """Keeps what is logged at WARNING or above; every record is formatted, as the real log does."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def emit(self, record):
        if record.levelno >= logging.ERROR:
            self.kept.append(record)

    def take(self):
        kept, self.kept = self.kept, []
        return kept


class Harness:
    """The application, and what it writes."""

    def __init__(self, kind):
        self.kind = kind
        self.errors = io.StringIO()
        self.output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        self.records = Records()
        self.statuses = collections.Counter()
        self.cut = 0
        self.seen = {}
        self.slowest = 0.0
        self.requests = 0
        sys.stdout = sys.__stdout__ = self.output
        sys.stderr = self.errors
        self.app = self._application()

    def _application(self):
        from scoredock_server.app import application
        from scoredock_server.service import start_service

        environ = os.environ
        environ.update(
            AML_APP_ROOT=str(ENTRIES),
            AZUREML_ENTRY_SCRIPT=self.kind.script + ".py",
            HTTP_X_MS_SERVER_VERSION=rules.VERSION,
            AML_CORS_ORIGINS=rules.ORIGINS,
            **self.kind.variables,
        )
        app = application(start_service(environ))
        for name in ("", "azmlinfsrv"):
            logging.getLogger(name).addHandler(self.records)
        return app

    def try_one(self, request, plan):
        """Send a request and check the answer. Raises Broken."""
        if plan is not None:
            sys.modules["entry_module"].act = plan.act
        self.requests += 1
        if self.requests % 50 == 1:
            faulthandler.dump_traceback_later(HANGS_AFTER, exit=True, file=sys.__stderr__)
            self.output.seek(0)
            self.output.truncate()
        self.records.take()
        began = time.perf_counter()
        reply = self._call(request)
        self.slowest = max(self.slowest, time.perf_counter() - began)
        self.statuses[reply.code if reply else 0] += 1
        self._check(request, plan, reply)

    def _call(self, request):
        started = []

        def start_response(status, headers, exc_info=None):
            rules.expect(not started, "start_response() twice")
            started.append((status, list(headers)))
            return None

        environ = request.environ()
        try:
            iterable = self.app(environ, start_response)
        except BaseException as error:
            raise rules.Broken("the application raised:\n" + story(error)) from None
        parts, cut = [], None
        try:
            for part in iterable:
                if not isinstance(part, bytes):
                    raise TypeError("a part of the body is no bytes")
                parts.append(part)
        except BaseException as error:
            cut = error
            self.cut += 1
        finally:
            if hasattr(iterable, "close"):
                iterable.close()
        return rules.Reply(*started[0], b"".join(parts), cut)

    def _check(self, request, plan, reply):
        kind = self.kind
        own = kind.plans is answers.responses
        rules.sendable(reply)
        for record in self.records.take():
            self._check_record(record, plan)
        written = self.errors.getvalue()
        if written:
            self.errors.seek(0)
            self.errors.truncate()
            rules.expect("Logging error" not in written, written)
        rules.expect(
            reply.cut is None or (own and plan.breaks_off), "the body broke off", repr(reply.cut)
        )
        if own:
            return
        full = "SCOREDOCK_COMPATIBILITY" in kind.variables
        rules.framed(request, reply)
        if rules.bad_host(request) and reply.code == 400:
            rules.errors_are_messages(request, reply)
            return
        raw = "raw" in kind.script and rules.routed(request) == "/score"
        value = None
        if not raw:
            value = rules.errors_are_messages(request, reply)
        if rules.ids_are_echoed(request, reply, full):
            return
        rules.origins_are_listed(request, reply)
        if raw or rules.the_route_is_right(request, reply):
            kind.check(request, reply, value, plan)

    def _check_record(self, record, plan):
        message = record.getMessage()
        wrong = None
        if not (message.startswith(OF_THE_SCRIPT) or record.name == "asyncio"):
            wrong = "logged:"
        elif plan is None and "cannot be" in message:
            wrong = "no such result:"
        elif message.startswith("run() failed"):
            files = [frame.filename for frame in traceback.extract_tb(record.exc_info[2])]
            if not any(name in OF_SCRIPTS or "inference_schema" in name for name in files):
                wrong = "not of the script:"
        elif message.startswith("what run() returned"):
            last = traceback.extract_tb(record.exc_info[2])[-1].filename
            ours = "scoredock_server" in last
            if ours and not isinstance(record.exc_info[1], (TypeError, ValueError, RecursionError)):
                wrong = "not of the result:"
        if wrong:
            error = record.exc_info[1] if record.exc_info else None
            raise rules.Broken(f"{wrong} {message}\n{story(error)}")


def story(error):
    """Return the traceback and the kind of error; its text may be what cannot be made."""
    return "" if error is None else "".join(traceback.format_tb(error.__traceback__)) + ascii(type(error))


def main():
    name, examples = sys.argv[1], int(sys.argv[2])
    number = int(sys.argv[3]) + zlib.crc32(name.encode())
    kind = KINDS[name]
    real_output = sys.stdout
    harness = Harness(kind)
    warnings.simplefilter("ignore")  # numpy's, of overflows; a coroutine that is not awaited
    began = time.perf_counter()
    profile = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    found = []

    def example(request, plan):
        try:
            harness.try_one(request, plan)
        except rules.Broken as error:
            import re

            if os.environ.get("KNOWN") and re.search(os.environ["KNOWN"], str(error), re.S):
                harness.statuses["known"] += 1
                return
            if os.environ.get("COLLECT"):
                key = re.sub("[0-9a-f]{8}-[0-9a-f-]{27}|0x[0-9a-f]+", "ID", str(error))[-int(os.environ["COLLECT"]):]
                harness.seen.setdefault(key, [0, repr(plan), repr(request)])[0] += 1
                return
            found[:] = [repr(request), repr(plan), str(error)]
            raise

    failure = None
    try:
        seed(number)(profile(given(kind.requests, kind.plans)(example)))()
    except rules.Broken:
        failure = found
    except BaseException as error:
        failure = [
            *found,
            "".join(traceback.format_exception(type(error), error, error.__traceback__)),
        ]
    faulthandler.cancel_dump_traceback_later()
    report = {
        "kind": name,
        "requests": harness.requests,
        "seconds": round(time.perf_counter() - began, 1),
        "slowest": round(harness.slowest, 3),
        "statuses": {str(k): v for k, v in harness.statuses.items()},
        "cut": harness.cut,
        "failure": failure or [f"{v[0]}x {v[1][:400]} {v[2] if v[1]=='None' else ''}\n {k}" for k, v in harness.seen.items()],
    }
    real_output.write(json.dumps(report) + "\n")
    real_output.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
