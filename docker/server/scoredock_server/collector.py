"""Keep what entry scripts collect, as JSON Lines in the folder SCOREDOCK_COLLECT_DIR.

A collection is one file, COLLECTION.jsonl. When that is full it becomes COLLECTION.jsonl.1, what
had that name becomes .2, and so on. Every line is an object with these fields:

time         when it was collected: ISO 8601, UTC, milliseconds
collection   the collection's name, as the entry script gave it
request      the id of the request that was being answered, or null
correlation  what the inputs and the outputs of one call have in common
model        NAME or NAME:VERSION, or null
data         what was collected; a table is a list with an object for each row

Collecting does not fail a request and does not wait for a disk: a thread writes, and what cannot
be kept is dropped.
"""

import atexit
import logging
import os
import re
import zlib
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Set

from scoredock_server.deadline import ScoringTimeoutError
from scoredock_server.encoding import Encoding
from scoredock_server.exchange import request_id
from scoredock_server.json_lines import Line, LineFiles, LineWriter
from scoredock_server.settings import read_settings

# Bytes that may wait for the disk, in each process, before records are dropped.
MAX_WAITING = 64 * 1000 * 1000
# Seconds that the end of a process waits for them: well below what is given to stop a server.
FLUSH_SECONDS = 5

OnError = Callable[[Exception], Any]

log = logging.getLogger("azmlinfsrv.collector")


class CollectSettings(NamedTuple):
    """Where collections go (an empty `folder` drops them), how many percent, and their bounds."""

    folder: str
    sample_percent: float
    max_bytes: int
    files: int


def read_collect_settings(environ: Mapping[str, str]) -> CollectSettings:
    """Return the settings that the SCOREDOCK_COLLECT_ variables hold. Raises SettingError."""
    settings = read_settings(environ)
    folder = settings.collect_dir and os.path.join(settings.app_root, settings.collect_dir)
    return CollectSettings(
        folder=folder,
        sample_percent=settings.collect_sample_percent,
        max_bytes=settings.collect_max_mb * 1000 * 1000,
        files=settings.collect_files,
    )


class Collection:
    """What records are put into by name; both azureml collectors write through it."""

    def __init__(
        self, name: str, model: Optional[str] = None, on_error: Optional[OnError] = None
    ) -> None:
        self.name = name
        self.model = model
        self._on_error = on_error
        self._file = file_name(name)
        _settings()  # says in the log, when the server starts, whether anything is kept

    def add(self, data: Any, correlation: str) -> None:
        """Keep `data` if its correlation is in the sample. Raises ScoringTimeoutError only.

        Any other problem goes to `on_error`, or else to the log, once for each kind.
        """
        try:
            settings = _settings()
            if not settings.folder or not is_sampled(correlation, settings.sample_percent):
                return
            text = self._text(data, correlation, settings.max_bytes)
            _writer(settings).put(Line(self._file, text, self.report))
        except ScoringTimeoutError:
            raise  # it ends run(), wherever run() happens to be
        except Exception as error:
            self.report(error)

    def report(self, error: Exception) -> None:
        """Tell why something is not kept."""
        kind = "{} {}".format(type(error).__name__, getattr(error, "errno", ""))
        if self._on_error is not None:
            try:
                self._on_error(error)
            except ScoringTimeoutError:
                raise
            except Exception as raised:
                kind, error = "on_error", raised
            else:
                return
        if kind not in _warned:
            _warned.add(kind)
            log.warning("%s: not kept, which is said only once: %r", self.name, error)

    def _text(self, data: Any, correlation: str, max_bytes: int) -> bytes:
        record = {
            "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "collection": self.name,
            "request": request_id(),
            "correlation": correlation,
            "model": self.model,
            "data": data,
        }
        text = (_ENCODING.text(record) + "\n").encode("ascii")
        if len(text) > max_bytes:
            raise BufferError("{} bytes are more than SCOREDOCK_COLLECT_MAX_MB".format(len(text)))
        return text


def is_sampled(correlation: str, percent: float) -> bool:
    """Tell whether to keep what has this correlation; all processes give the same answer."""
    return zlib.crc32(correlation.encode("utf-8", "replace")) < percent / 100 * 2**32


def file_name(collection: str) -> str:
    """Return the collection's file name: no path, and no other collection has it."""
    safe = re.sub("[^A-Za-z0-9_-]", "_", str(collection))[:100]
    if safe != collection:
        safe += "-{:08x}".format(zlib.crc32(str(collection).encode("utf-8", "replace")))
    return safe + ".jsonl"


_ENCODING = Encoding(more_types=True, nan_as_null=True)
_writers: Dict[int, LineWriter] = {}
_warned: Set[str] = set()
_read: Optional[CollectSettings] = None


def _settings() -> CollectSettings:
    global _read
    if _read is None:
        try:
            _read = read_collect_settings(os.environ)
        except Exception as error:  # the server has checked them, unless the script changed them
            _read = CollectSettings("", 0, 0, 0)
            log.error("nothing that the script collects is kept: %s", error)
        else:
            _announce(_read)
    return _read


def _announce(settings: CollectSettings) -> None:
    if settings.folder:
        log.info(
            "what the script collects is kept in %s (%g %% of it)",
            settings.folder,
            settings.sample_percent,
        )
    else:
        log.info(
            "nothing that the script collects is kept:"
            " set SCOREDOCK_COLLECT_DIR to a folder that it is to be written to"
        )


def _writer(settings: CollectSettings) -> LineWriter:
    # By process, as init() may have run in the one that the workers are forked from.
    process = os.getpid()
    if process not in _writers:
        files = LineFiles(settings.folder, settings.max_bytes, settings.files)
        _writers.setdefault(process, LineWriter(files, MAX_WAITING))
    return _writers[process]


@atexit.register
def flush() -> None:
    """Wait until this process has written what it collected, FLUSH_SECONDS at most."""
    writer = _writers.get(os.getpid())
    if writer is not None:
        writer.flush(FLUSH_SECONDS)
