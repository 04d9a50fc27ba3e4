"""Logging in the reference server's form: `2026-01-31 12:00:00,000 I [pid] logger - message`."""

import builtins
import json
import logging
import logging.config
import sys
import time
import traceback
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, TextIO

from gunicorn import glogging

from scoredock_server.log_json import JsonFormatter, without_query
from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import Settings

# The reference server's names: a logging.json of the user's is written for them.
server = logging.getLogger("azmlinfsrv")
user_script = logging.getLogger("azmlinfsrv.user_script")
swagger = logging.getLogger("azmlinfsrv.swagger")
printed = logging.getLogger("azmlinfsrv.print")

# Where health is told; asked for so often that it is not logged, no more than the metrics.
HEALTH = ("/", "/livez", "/readyz")
_UNLOGGED = frozenset(HEALTH + ("/metrics",))


class Formatter(logging.Formatter):
    """One line for each record, in UTC, with the first letter of the level."""

    def __init__(self) -> None:
        self.converter = time.gmtime
        super().__init__("%(asctime)s %(letter)s [%(process)d] %(name)s - %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback below it."""
        record.letter = record.levelname[:1]
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Return the traceback, even of an exception that cannot be written."""
        try:
            return super().formatException(ei)
        except Exception:
            return "{}{}".format("".join(traceback.format_tb(ei[2])), ei[0].__name__)


class _Chosen:
    """What the settings say, in this process."""

    json = False
    queries = True
    handler: "Optional[Handler]" = None

    def formatter(self) -> logging.Formatter:
        return JsonFormatter() if self.json else Formatter()


_chosen = _Chosen()


def choose(settings: Settings) -> None:
    """Write from now on as the settings say."""
    _chosen.json = settings.log_format == "json"
    _chosen.queries = settings.log_queries


class Handler(logging.StreamHandler):  # type: ignore[type-arg] # not in Python 3.6
    """Writes what the stream's encoding cannot as `\\udc80`: no record is lost for a character."""

    kept: Optional[List[str]] = None
    """Where each text is put as well, of any handler; see kept_lines()."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text that can be written."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        text = super().format(record).encode(encoding, "backslashreplace").decode(encoding)
        if Handler.kept is not None:
            Handler.kept.append(text)
        return text

    def put(self, line: str) -> None:
        """Write a line as it is. Raises UnicodeEncodeError where the stream cannot have it."""
        self.acquire()
        try:
            self.stream.write(line)
            self.flush()
        finally:
            self.release()


class GunicornLogger(glogging.Logger):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's own records in the same form; requests of the health check are not among them."""

    def setup(self, cfg: Any) -> None:
        """Take gunicorn's handlers over, but for what a logging configuration has set."""
        super().setup(cfg)
        if not (cfg.logconfig or cfg.logconfig_dict or getattr(cfg, "logconfig_json", None)):
            for log in (self.error_log, self.access_log):
                for handler in log.handlers:
                    handler.setFormatter(_chosen.formatter())

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write the request's line."""
        if req.method != "GET" or req.uri not in _UNLOGGED:
            super().access(resp, req, environ, request_time)

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> Any:
        """Return the parts of that line; no query strings, unless they are asked for."""
        found = super().atoms(resp, req, environ, request_time)
        if not _chosen.queries:
            found.update(q="", r=without_query(found["r"]), f=without_query(found["f"]))
        return found


def configure(settings: Settings) -> None:
    """Set up the process's logging: by the user's logging.json where there is one, else in our way.

    Raises SettingError for a logging.json that cannot be used.
    """
    choose(settings)
    own = settings.find_file("logging.json")
    if own is not None:
        _apply(own)
        return
    configure_plain()
    for log in (server, logging.getLogger()):
        log.setLevel(settings.log_level)


def configure_plain(stream: Optional[TextIO] = None) -> None:
    """Write our records and the entry script's, from INFO on, to `stream`: standard output."""
    if server.handlers:
        return
    handler = Handler(stream or sys.stdout)
    handler.setFormatter(_chosen.formatter())
    _chosen.handler = handler
    root = logging.getLogger()
    for log in (server, root):
        log.addHandler(handler)
        log.setLevel("INFO")
    server.propagate = False
    _let_the_script_configure(root, handler)


def plain_handler() -> Optional[Handler]:
    """Return the one handler of our records where nobody has added to it, or changed it."""
    handler = _chosen.handler
    if handler is None or server.handlers != [handler] or server.propagate:
        return None
    if server.disabled or server.filters or handler.filters or handler.level > logging.INFO:
        return None
    return handler if type(handler.formatter) in (Formatter, JsonFormatter) else None


def _let_the_script_configure(root: logging.Logger, handler: logging.Handler) -> None:
    """Let a script's own logging.basicConfig() work, which does nothing where a handler is set."""
    configure_root = logging.basicConfig

    def basic_config(**options: Any) -> None:
        root.removeHandler(handler)
        configure_root(**options)

    logging.basicConfig = basic_config


@contextmanager
def kept_lines() -> Iterator[List[str]]:
    """Yield what is logged meanwhile, but in the way that a logging.json has set up."""
    kept: List[str] = []
    Handler.kept = kept
    try:
        yield kept
    finally:
        Handler.kept = None


def _apply(path: str) -> None:
    try:
        with open(path, "rb") as file:
            logging.config.dictConfig(json.loads(file.read()))
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        raise SettingError(
            "{}: not a configuration of the logging module: {}".format(path, error)
        ) from None


def capture_prints() -> None:
    """Let print() to standard output write a record of `azmlinfsrv.print`, from now on.

    The record has a time and a process, and cannot mix with another worker's line.
    """
    write = builtins.print
    if getattr(write, "captured", False):
        return  # by the master already, before it forked the workers

    def print_record(
        *values: Any, sep: Any = " ", end: Any = "\n", file: Any = None, flush: Any = False
    ) -> None:
        target = sys.stdout if file is None else file
        if target is sys.__stdout__:
            printed.info("%s", (" " if sep is None else sep).join(map(str, values)))
        else:
            write(*values, sep=sep, end=end, file=target, flush=flush)

    print_record.captured = True  # type: ignore[attr-defined]
    builtins.print = print_record
