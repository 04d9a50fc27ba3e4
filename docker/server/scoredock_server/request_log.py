"""The line of each request in the log, at little cost: the module logging takes ten times as long.

Where gunicorn has not seen the request, its line is written with ours. Where a logging.json, or the
entry script, has set up the server's logger in its own way, the lines are records as any others.
"""

import logging
import os
import time
from functools import lru_cache
from typing import Callable, Optional

from scoredock_server.access_log import Line
from scoredock_server.exchange import Exchange
from scoredock_server.log import Handler, plain_handler, server
from scoredock_server.log_json import request_object
from scoredock_server.settings import Settings

_FORMAT = "%s %s %s %.3fms %s [%s]"


def request_line(settings: Settings) -> Callable[[Exchange, Optional[Line]], None]:
    """Return what writes the line of a request that has been answered, and gunicorn's `line`."""
    with_query = settings.log_queries
    as_json = settings.log_format == "json"

    def write(exchange: Exchange, line: Optional[Line]) -> None:
        handler = plain_handler()
        is_wanted = server.isEnabledFor(logging.INFO)
        start = _start()
        text = None if line is None or handler is None else line.text(handler.stream, start)
        own = ""
        if handler is not None and is_wanted:
            if as_json:
                own = request_object(exchange, server.name, with_query) + "\n"
            else:
                values = _values(exchange, with_query)
                own = "{}{} - {}\n".format(start, server.name, _FORMAT % values)
        if handler is None or not _put(handler, own + (text or "")):
            text = None
            if is_wanted:
                _handle(exchange, with_query)
        if line is not None and text is None:
            line.record()

    return write


def _put(handler: Handler, text: str) -> bool:
    """Write the text; return False where records have to be made of it."""
    try:
        if text:
            handler.put(text)
    except UnicodeEncodeError:
        return False
    except Exception:  # a full disk, a closed pipe
        handler.handleError(logging.makeLogRecord({"msg": text}))
    return True


def _values(exchange: Exchange, with_query: bool) -> "tuple[object, ...]":
    path = exchange.path
    if with_query and exchange.query:
        path += "?" + exchange.query
    sent = "N/A" if exchange.sent is None else exchange.sent
    return (
        exchange.method, path, exchange.status, exchange.seconds * 1000, sent, exchange.ids,
    )  # fmt: skip


def _start() -> str:
    """Return what a line of this moment begins with, as Formatter makes it."""
    now = time.time()
    return "%s,%03d I [%d] " % (_second(int(now)), now % 1 * 1000, os.getpid())


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def _handle(exchange: Exchange, with_query: bool) -> None:
    values = _values(exchange, with_query)
    record = server.makeRecord(server.name, logging.INFO, __file__, 0, _FORMAT, values, None)
    record.exchange = exchange
    record.with_query = with_query
    server.handle(record)
