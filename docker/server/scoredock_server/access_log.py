"""gunicorn's line of a request that our worker has answered without it.

Where gunicorn's logger is as we have set it up, the line is a text, which costs little; else it is
one of gunicorn's records.
"""

import logging
import sys
import time
from datetime import timedelta
from typing import Any, Dict, Optional, Tuple

from scoredock_server import log
from scoredock_server.exchange import Exchange
from scoredock_server.log_json import without_query

_COMMON = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
_IN_ENVIRON = {
    "REFERER": "HTTP_REFERER",
    "USER-AGENT": "HTTP_USER_AGENT",
    "AUTHORIZATION": "HTTP_AUTHORIZATION",
}


class AccessLog:
    """Makes the lines, for `gunicorn_log`."""

    def __init__(self, gunicorn_log: Any, *, with_query: bool) -> None:
        self.gunicorn = gunicorn_log
        self.with_query = with_query
        self.clock = ""
        self.is_off = False
        self._second = 0
        self._stream: Any = None

    def stream(self) -> Any:
        """Return where gunicorn's lines go, if nothing but our own form of them is there.

        Sees, once in a second, how the logger is, and what time it is.
        """
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.clock = self.gunicorn.now()
            self._look()
        return self._stream

    def _look(self) -> None:
        config = self.gunicorn.cfg
        is_ours = type(self.gunicorn) is log.GunicornLogger
        names = ("accesslog", "logconfig", "logconfig_dict", "logconfig_json", "syslog")
        self.is_off = is_ours and not any(getattr(config, name, None) for name in names)
        is_common = config.accesslog == "-" and config.access_log_format == _COMMON
        self._stream = _plain_stream(self.gunicorn.access_log) if is_ours and is_common else None


class Line:
    """gunicorn's line of a request; has what its log asks of a response."""

    headers: Tuple[Tuple[str, str], ...] = ()

    def __init__(self, access_log: AccessLog, request: Any, exchange: Exchange) -> None:
        self._log = access_log
        self._request = request
        self._exchange = exchange

    @property
    def status(self) -> str:
        """The answer's status."""
        return str(self._exchange.status)

    @property
    def sent(self) -> int:
        """The bytes of the answer's body."""
        return self._exchange.sent or 0

    def text(self, stream: Any, start: str) -> Optional[str]:
        """Return the line as gunicorn writes it to `stream`, or None: a record has to be made.

        `start` is what each line of the log begins with.
        """
        plain = self._log.stream()
        if self._log.is_off:
            return ""
        if plain is None or plain is not stream:
            return None
        atoms = self._atoms()
        if atoms is None:
            return None
        request, referer, agent = atoms
        return '{}gunicorn.access - {} - - {} "{}" {} {} "{}" "{}"\n'.format(
            start, self._exchange.client, self._log.clock, request, self.status, self.sent or "-",
            referer, agent,
        )  # fmt: skip

    def _atoms(self) -> Optional[Tuple[str, str, str]]:
        """Return the request's first line, its Referer and its User-Agent; None with a user."""
        request = self._request
        referer = agent = "-"
        for name, value in request.headers:
            if name == "REFERER":
                referer = value.replace('"', '\\"')
            elif name == "USER-AGENT":
                agent = value.replace('"', '\\"')
            elif name == "AUTHORIZATION" and value[:5].lower() == "basic":
                return None
        first = "{} {} HTTP/{}.{}".format(request.method, request.uri, *request.version)
        first = first.replace('"', '\\"')
        if not self._log.with_query:
            return without_query(first), without_query(referer), agent
        return first, referer, agent

    def record(self) -> None:
        """Let gunicorn write it."""
        seconds = timedelta(seconds=self._exchange.seconds)
        self._log.gunicorn.access(self, self._request, self._environ(), seconds)

    def _environ(self) -> Dict[str, str]:
        """Return what gunicorn's log asks of a request's environ."""
        request = self._request
        environ = {
            "REMOTE_ADDR": self._exchange.client or "",
            "REQUEST_METHOD": request.method,
            "RAW_URI": request.uri,
            "SERVER_PROTOCOL": "HTTP/{}.{}".format(*request.version),
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
        }
        for name, value in request.headers:
            if name in _IN_ENVIRON:
                environ[_IN_ENVIRON[name]] = value
        return environ


def _plain_stream(logger: logging.Logger) -> Any:
    """Return where the logger's records go, if nothing but one handler with our form is there."""
    if logger.propagate or logger.filters or len(logger.handlers) != 1:
        return None
    handler = logger.handlers[0]
    if type(handler) is not logging.StreamHandler or handler.filters:
        return None
    if type(handler.formatter) is not log.Formatter or handler.level > logging.INFO:
        return None
    return handler.stream if handler.stream is sys.stdout else None
