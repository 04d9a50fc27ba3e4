"""The log as an object a line: for programs that gather logs."""

import logging
import os
import re
import time
import traceback
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, Dict, Optional

from scoredock_server.exchange import Exchange, current

_QUERY = re.compile(r"\?[^ ]*")


class JsonFormatter(logging.Formatter):
    """Writes a record as JSON; that of an answered request with all that is known of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, on one line."""
        fields = _head(record.created, record.levelname, record.name, record.process)
        exchange = getattr(record, "exchange", None)
        if exchange is not None:
            fields.update(_request(exchange, getattr(record, "with_query", False)))
        else:
            fields["message"] = record.getMessage()
            asked = current()
            if asked is not None:
                fields.update(_whose(asked))
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = _traceback(record.exc_info)
        return _text(fields)


def request_object(exchange: Exchange, logger: str, with_query: bool) -> str:
    """Return the object of a request that has been answered just now."""
    fields = _head(time.time(), "INFO", logger, os.getpid())
    fields.update(_request(exchange, with_query))
    return _text(fields)


def _head(at: float, level: str, logger: str, process: Optional[int]) -> Dict[str, Any]:
    return {
        "time": "{}.{:03d}Z".format(_second(int(at)), int(at % 1 * 1000)),
        "level": level,
        "logger": logger,
        "process": process,
    }


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def _text(fields: Dict[str, Any]) -> str:
    # Texts and numbers alone; JSONEncoder takes several times as long to find that out.
    return "{{{}}}".format(
        ", ".join(
            '"{}": {}'.format(name, _quoted(each) if isinstance(each, str) else repr(each))
            for name, each in fields.items()
            if each is not None
        )
    )


def without_query(text: str) -> str:
    """Return a request line, or an address, without its query string."""
    return _QUERY.sub("", text, count=1)


def _whose(exchange: Exchange) -> Dict[str, Any]:
    ids = exchange.ids
    return {"request_id": ids.request_id if ids else None, "trace_id": exchange.trace_id}


def _request(exchange: Exchange, with_query: bool) -> Dict[str, Any]:
    ids = exchange.ids
    run = exchange.run_seconds
    return {
        "message": "{} {} {}".format(exchange.method, exchange.path, exchange.status),
        "method": exchange.method,
        "path": exchange.path,
        "query": exchange.query if with_query and exchange.query else None,
        "status": exchange.status,
        "duration_ms": round(exchange.seconds * 1000, 3),
        "run_ms": None if run is None else round(run * 1000, 3),
        "request_bytes": exchange.received,
        "response_bytes": exchange.sent,
        "client": exchange.client,
        "ms_request_id": ids.ms_request_id if ids else None,
        "client_request_id": ids.client_request_id if ids else None,
        **_whose(exchange),
    }


def _traceback(error: Any) -> str:
    try:
        return "".join(traceback.format_exception(*error))
    except Exception:  # one that cannot be written
        return "{}{}".format("".join(traceback.format_tb(error[2])), error[0].__name__)
