"""The two log lines of a request, written at once: ours and gunicorn's, as each logger has them."""

import logging
import os
import sys
import time
from datetime import timedelta
from typing import Any, Dict, Tuple

from scoredock_server import log

FORMAT = "%s %s %s %.3fms %s [%s]"
_COMMON = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
_IN_ENVIRON = {
    "REFERER": "HTTP_REFERER",
    "USER-AGENT": "HTTP_USER_AGENT",
    "AUTHORIZATION": "HTTP_AUTHORIZATION",
}


class Line:
    """What is logged of a request; has what gunicorn's log asks of a response."""

    def __init__(
        self, request: Any, address: Any, status: str, sent: int, seconds: float, ids: Any
    ) -> None:
        self.request = request
        self.address = address
        self.status = status
        self.sent = sent
        self.seconds = seconds
        self.ids = ids
        self.headers: Tuple[Tuple[str, str], ...] = ()


class RequestLog:
    """Writes the lines of requests that Flask does not see.

    Where both loggers are as we have set them up, the lines are made without them: a record costs
    as much as the rest of a request.
    """

    def __init__(self, gunicorn_log: Any) -> None:
        self._gunicorn = gunicorn_log
        self._second = 0
        self._date = self._clock = ""
        self._stream: Any = None
        self._handler: Any = None

    def write(self, line: Line) -> None:
        """Write both lines."""
        now = time.time()
        if int(now) != self._second:
            self._look(int(now))
        own = log.server
        stream = self._stream
        if stream is None:
            self._write_records(line)
            return
        text = ""
        start = "{},{:03d} I [{}] ".format(self._date, int(now % 1 * 1000), os.getpid())
        if own.isEnabledFor(logging.INFO):
            text = start + "azmlinfsrv - " + FORMAT % _own(line) + "\n"
        atoms = _atoms(line)
        text += start + (
            'gunicorn.access - {} - - {} "{}" {} {} "{}" "{}"\n'.format(
                atoms["h"], self._clock, atoms["r"], line.status[:3], line.sent or "-", *atoms["fa"]
            )
        )
        handler = self._handler
        handler.acquire()
        try:
            stream.write(text)
            stream.flush()
        except Exception:
            handler.handleError(logging.makeLogRecord({"msg": text}))
        finally:
            handler.release()

    def _look(self, second: int) -> None:
        """See, once in a second, how the loggers are, and what time it is."""
        gunicorn = self._gunicorn
        self._second = second
        self._date = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
        self._clock = gunicorn.now()
        self._stream = _plain_stream(log.server)
        self._handler = log.server.handlers[0] if log.server.handlers else None
        common = type(gunicorn) is log.GunicornLogger and (
            gunicorn.cfg.accesslog == "-" and gunicorn.cfg.access_log_format == _COMMON
        )
        if not common or _plain_stream(gunicorn.access_log) is not self._stream:
            self._stream = None

    def _write_records(self, line: Line) -> None:
        log.server.info(FORMAT, *_own(line))
        environ = _environ(line)
        self._gunicorn.access(line, line.request, environ, timedelta(seconds=line.seconds))


def _plain_stream(logger: logging.Logger) -> Any:
    """Return where the logger's records go, if nothing but our own handler and form is there."""
    if logger.propagate or logger.filters or len(logger.handlers) != 1:
        return None
    handler = logger.handlers[0]
    if type(handler) not in (log.Handler, logging.StreamHandler) or handler.filters:
        return None
    if type(handler.formatter) is not log.Formatter or handler.level > logging.INFO:
        return None
    stream = getattr(handler, "stream", None)
    return stream if stream is sys.stdout else None


def _own(line: Line) -> Tuple[Any, ...]:
    query = line.request.query
    path = line.request.path + ("?" + query if query else "")
    return (line.request.method, path, line.status[:3], line.seconds * 1000, line.sent, line.ids)


def _host(address: Any) -> str:
    if isinstance(address, tuple):
        return str(address[0])
    return address.decode() if isinstance(address, bytes) else address


def _atoms(line: Line) -> Dict[str, Any]:
    request = line.request
    found = dict.fromkeys(_IN_ENVIRON, "-")
    for name, value in request.headers:
        if name in found:
            found[name] = value.replace('"', '\\"')
    target = "{} {} HTTP/{}.{}".format(request.method, request.uri, *request.version)
    return {
        "h": _host(line.address),
        "r": target.replace('"', '\\"'),
        "fa": (found["REFERER"], found["USER-AGENT"]),
    }


def _environ(line: Line) -> Dict[str, str]:
    """Return what gunicorn's log asks of a request's environ."""
    request = line.request
    environ = {
        "REMOTE_ADDR": _host(line.address),
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
