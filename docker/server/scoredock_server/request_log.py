"""The line of each request in the log, at little cost: the module logging takes ten times as long.

Where a logging.json, or the entry script, has set up the server's logger in its own way, the line
is a record as any other.
"""

import logging
import os
import time
from functools import lru_cache
from typing import Callable

from scoredock_server.exchange import Exchange
from scoredock_server.log import plain_handler, server
from scoredock_server.log_json import request_object
from scoredock_server.settings import Settings

_FORMAT = "%s %s %s %.3fms %s [%s]"


def request_line(settings: Settings) -> Callable[[Exchange], None]:
    """Return what writes the line of a request that has been answered."""
    with_query = settings.log_queries
    as_json = settings.log_format == "json"

    def write(exchange: Exchange) -> None:
        if not server.isEnabledFor(logging.INFO):
            return
        handler = plain_handler()
        if handler is None:
            _handle(exchange, with_query)
            return
        if as_json:
            line = request_object(exchange, server.name, with_query)
        else:
            line = _head() + _FORMAT % _values(exchange, with_query)
        try:
            handler.put(line + "\n")
        except UnicodeEncodeError:
            _handle(exchange, with_query)

    return write


def _values(exchange: Exchange, with_query: bool) -> "tuple[object, ...]":
    path = exchange.path
    if with_query and exchange.query:
        path += "?" + exchange.query
    sent = "N/A" if exchange.sent is None else exchange.sent
    return (
        exchange.method, path, exchange.status, exchange.seconds * 1000, sent, exchange.ids,
    )  # fmt: skip


def _head() -> str:
    """Return what a line of ours begins with, as Formatter makes it."""
    now = time.time()
    return "%s,%03d I [%d] %s - " % (_second(int(now)), now % 1 * 1000, os.getpid(), server.name)


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def _handle(exchange: Exchange, with_query: bool) -> None:
    values = _values(exchange, with_query)
    record = server.makeRecord(server.name, logging.INFO, __file__, 0, _FORMAT, values, None)
    record.exchange = exchange
    record.with_query = with_query
    server.handle(record)
