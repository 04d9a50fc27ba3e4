"""A fuzz of the WSGI application, by kinds of entry scripts; driver/kinds.py has what must hold.

FUZZ_REQUESTS is how many requests this file and test_sockets.py send in all, FUZZ_SEED where the
fuzz begins. Both have defaults, the quick form. More, on every core:

    FUZZ_REQUESTS=150000 FUZZ_SEED=2 scripts/test --dist load tests/fuzz

Only the kit's own Python is fuzzed here: Hypothesis has left the old ones that serve.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interpreter import SOURCES

HERE = "tests/fuzz/test_application.py"
DRIVER = Path(__file__).parent / "driver" / "drive.py"
KINDS = [
    "text",
    "text_improved",
    "schema",
    "schema_improved",
    "raw",
    "results",
    "results_improved",
    "results_without_nan",
    "raised",
    "responses",
    "slow",
]
IN_ALL = int(os.environ.get("FUZZ_REQUESTS") or 10_000)
SEED = int(os.environ.get("FUZZ_SEED") or 1)
# The other half is for test_sockets.py.
REQUESTS = IN_ALL // 2 // len(KINDS)


def drive(*arguments):
    """Run the driver in a process of its own; return how it ended."""
    # Without the shell's settings of a server; the hash seed has a say in what Hypothesis tries.
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "PYTHONHASHSEED": "0"}
    return subprocess.run(
        [sys.executable, DRIVER, *map(str, arguments)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=600 + REQUESTS,  # a failing request is made simple for minutes
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_and_no_script_breaks_the_application(kind):
    driven = drive(kind, REQUESTS, SEED)

    again = f"FUZZ_REQUESTS={IN_ALL} FUZZ_SEED={SEED} scripts/test {HERE} -k '[{kind}]'"
    if driven.returncode:  # it has crashed, or hangs
        pytest.fail(f"{driven.stderr}\nStatus {driven.returncode}. Again: {again}", pytrace=False)
    report = json.loads(driven.stdout)
    print(report)  # what pytest -rP shows
    if report["failure"]:
        request, plan, story = report["failure"]
        told = f"{story}\n\nRequest: {request}\nrun(): {plan}"
        pytest.fail(f"{told}\nAgain: {again}", pytrace=False)
    assert report["requests"] >= REQUESTS


def test_every_kind_of_the_driver_is_run():
    assert drive("--list").stdout.split() == KINDS
