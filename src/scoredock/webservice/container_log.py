"""Follow what a container says, to know at once when it says a certain thing."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from docker.errors import DockerException
from docker.models.containers import Container


@contextmanager
def said(container: Container, pattern: re.Pattern[bytes]) -> Iterator[threading.Event]:
    """Yield an event that is set once a line of the container's log has the pattern.

    It never is where the log is silent or cannot be read: it is no more than a hint.
    """
    event = threading.Event()
    stream: Any = None
    with suppress(DockerException, requests.RequestException):
        stream = container.logs(stream=True, follow=True)
        threading.Thread(target=_follow, args=[stream, pattern, event], daemon=True).start()
    try:
        yield event
    finally:
        with suppress(Exception):  # of a connection that has ended already
            stream.close()


def _follow(stream: Iterator[bytes], pattern: re.Pattern[bytes], event: threading.Event) -> None:
    rest = b""
    # It is closed meanwhile, which the library answers with whatever it comes upon.
    with suppress(Exception):
        for chunk in stream:
            rest = (rest + chunk)[-4096:]
            if pattern.search(rest):
                event.set()
                return
