"""What a Plan is: one thing that run() does. And plans that raise or that take their time.

The text of a plan is Python that says what it does. It makes its object afresh each time: a
generator can be used only once.
"""

import asyncio
import builtins
import decimal
import json
import time
from collections.abc import Callable
from typing import NamedTuple

import flask
import werkzeug
from hypothesis import strategies as st

from scoredock_server.inputs import InputError
from scoredock_server.scoring import RunError

FAULTS = [ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError, OSError]


class Plan(NamedTuple):
    """`run()` returns what `act()` returns; `breaks_off` allows that a body ends in an error."""

    text: str
    act: Callable
    breaks_off: bool = False

    def __repr__(self):
        return self.text


def shown(value):
    try:
        return ascii(value)[:2000]
    except BaseException as error:
        return f"<{type(value).__name__} whose repr() raises {type(error).__name__}>"


# Exceptions.
class NoTextError(Exception):
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


class LinesError(Exception):
    def __str__(self):
        return "a\r\nb\u2028\ud800\x1b[31m%s"


class EndingError(BaseException):
    pass


def subclasses(kind):
    return [kind, *(more for each in kind.__subclasses__() for more in subclasses(each))]


def throw(kind, arguments):
    raise kind(*arguments)


def recursion():
    return recursion()


def cycle_of_causes():
    first, second = KeyError("a"), ValueError("b")
    first.__cause__ = second
    raise second from first


def abort_with_a_response():
    flask.abort(flask.Response("of the script", 418))


def odd_notes():
    error = ValueError("x")
    error.__notes__ = 5
    raise error


of_python = [
    each
    for each in subclasses(BaseException)
    if each.__module__ == "builtins" and hasattr(builtins, each.__name__)
]
others = [
    *(NoTextError, LinesError, EndingError, RunError, InputError),
    *(asyncio.CancelledError, json.JSONDecodeError, decimal.InvalidOperation),
    *(werkzeug.exceptions.NotFound, werkzeug.exceptions.HTTPException),
    *(werkzeug.exceptions.BadRequest, werkzeug.routing.RequestRedirect),
]
argument_lists = st.sampled_from(
    [(), ("text",), ("\ud800\r\n",), (b"\xff", [1]), ("x" * 5000,), (2, "no file", "/x")]
) | st.sampled_from(  # of the Unicode errors, the SyntaxErrors and the ExceptionGroups
    [
        ("ascii", b"\xff", 0, 1, "why"),
        ("text", ("file.py", 1, 1, "line")),
        ("text", ("file.py", "x", "y", 5)),
        ("text", [ValueError("a"), KeyError("b")]),
    ]
)
raised = st.builds(
    lambda kind, arguments: Plan(
        f"raise {kind.__module__}.{kind.__name__}{shown(arguments)}",
        lambda: throw(kind, arguments),
    ),
    st.sampled_from(of_python) | st.sampled_from(others),
    argument_lists,
) | st.sampled_from([recursion, cycle_of_causes, abort_with_a_response, odd_notes]).map(
    lambda function: Plan(f"{function.__name__}()", function)
)


# Around a deadline of a few milliseconds.
def wait(seconds):
    time.sleep(seconds)
    return "waited"


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "worked"


def stubborn(seconds):
    try:
        return work(seconds)
    except Exception:
        return "swallowed"


async def asynchronous(seconds):
    await asyncio.sleep(seconds)
    return "waited"


slow = st.builds(
    lambda how, seconds: Plan(f"return {how.__name__}({seconds})", lambda: how(seconds)),
    st.sampled_from([wait, work, stubborn, asynchronous]),
    st.floats(0, 0.006),
)
