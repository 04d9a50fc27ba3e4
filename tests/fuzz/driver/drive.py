"""Drive one kind of application with Hypothesis, in a process of its own.

Usage: drive.py KIND REQUESTS SEED, or drive.py --list; the server must be on PYTHONPATH. The report
is one line of JSON. Loading an entry script changes the process (sys.modules, print, logging),
which is why each kind has its own.
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
from pathlib import Path

import rules
from hypothesis import HealthCheck, Phase, given, seed, settings
from kinds import KINDS
from rules import BrokenRuleError, expect

from scoredock_server.app import application
from scoredock_server.service import StartError, start_service

ENTRIES = Path(__file__).parents[1] / "entries"
# Seconds that no request takes, on any machine: then something hangs.
HANGS_AFTER = 60


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.kept = []

    def emit(self, record):
        self.kept.append(record)

    def take(self):
        kept, self.kept = self.kept, []
        return kept


class Harness:
    """The application of a kind, and what it writes."""

    def __init__(self, kind):
        self.kind = kind
        self.statuses = collections.Counter()
        self.slowest = 0.0
        self._errors = Errors()
        self._output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        self._error_output = io.StringIO()
        sys.stdout = sys.__stdout__ = self._output
        os.environ.update(
            AML_APP_ROOT=str(ENTRIES),
            AZUREML_ENTRY_SCRIPT=kind.script + ".py",
            AML_CORS_ORIGINS=rules.ORIGINS,
            **kind.variables,
        )
        try:
            self._app = application(start_service(os.environ))
        except StartError:
            sys.exit(self._output.buffer.getvalue().decode())
        sys.stderr = self._error_output
        for name in ("", "azmlinfsrv"):
            logging.getLogger(name).addHandler(self._errors)

    def try_one(self, request, plan):
        """Send a request and check the answer. Raises BrokenRuleError."""
        faulthandler.dump_traceback_later(HANGS_AFTER, exit=True, file=sys.__stderr__)
        if plan is not None:
            sys.modules["entry_module"].act = plan.act
        self._errors.take()  # of what an earlier plan left behind
        began = time.perf_counter()
        reply = self._call(request.environ())
        self.slowest = max(self.slowest, time.perf_counter() - began)
        self.statuses[reply.code] += 1
        self._check_log()
        self._check(request, plan, reply)

    def _call(self, environ):
        started, parts, cut = [], [], None

        def start_response(status, headers, exc_info=None):
            started.append((status, list(headers)))

        try:
            iterable = self._app(environ, start_response)
        except BaseException as error:
            raise BrokenRuleError("the application raised:\n" + rules.story(error)) from None
        expect(len(started) == 1, "start_response()", started)
        try:
            for part in iterable:
                expect(isinstance(part, bytes), "a part of the body is no bytes", part)
                parts.append(part)
        except BaseException as error:
            cut = error
        finally:
            if hasattr(iterable, "close"):
                iterable.close()
        return rules.Reply(*started[0], b"".join(parts), cut)

    def _check_log(self):
        for record in self._errors.take():
            rules.faults_are_of_the_script(record, self.kind.faults)
        written = self._error_output.getvalue()
        for stream in (self._error_output, self._output):
            stream.seek(0)
            stream.truncate()
        expect("--- Logging error ---" not in written, written)

    def _check(self, request, plan, reply):
        rules.sendable(reply)
        may_break_off = plan is not None and plan.breaks_off
        expect(reply.cut is None or may_break_off, "the body broke off", repr(reply.cut))
        if not self.kind.own_responses:
            rules.framed(request, reply)
            rules.errors_are_messages(request, reply)
        if reply.code == 400 and rules.refused(request):
            return
        rules.ids_are_echoed(request, reply)
        if not self.kind.own_responses:
            rules.routes_answer(request, reply)
            rules.origins_are_listed(reply)
        if rules.route(request) == "/score" and reply.code != 431:
            self.kind.check(request, reply, plan)


def drive(kind, requests, begin_at):
    """Send requests until one fails, and make that one simple; return the report."""
    harness = Harness(kind)
    failure = []

    def example(request, plan):
        try:
            harness.try_one(request, plan)
        except BaseException as error:
            broken = isinstance(error, BrokenRuleError)
            told = str(error) if broken else "".join(traceback.format_exception(error))
            failure[:] = [repr(request)[:3000], repr(plan), told]
            raise

    profile = settings(
        max_examples=requests,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    began = time.perf_counter()
    try:
        seed(begin_at)(profile(given(kind.requests, kind.plans)(example)))()
    except BaseException as error:
        failure = failure or ["", "", "".join(traceback.format_exception(error))]
    faulthandler.cancel_dump_traceback_later()
    return {
        "requests": harness.statuses.total(),
        "seconds": round(time.perf_counter() - began, 1),
        "slowest": round(harness.slowest, 3),
        "statuses": dict(harness.statuses.most_common(8)),
        "failure": failure,
    }


def main():
    report_to = sys.stdout
    if sys.argv[1:] == ["--list"]:
        print(*KINDS)
        return
    name, requests, number = sys.argv[1:]
    warnings.simplefilter("ignore")  # numpy's, of overflows; a coroutine that is not awaited
    report = drive(KINDS[name], int(requests), f"{name} {number}")
    report_to.write(json.dumps(report) + "\n")
    report_to.flush()
    os._exit(0)  # whatever the plans have left behind


if __name__ == "__main__":
    main()
