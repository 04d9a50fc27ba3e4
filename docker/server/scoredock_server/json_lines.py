"""Files of lines that several processes and threads append to, each bounded in size and number."""

import fcntl
import os
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, List, NamedTuple, Optional, Tuple


class LineFiles(NamedTuple):
    """The files of a folder, each with at most `max_bytes` and `kept` older ones beside it."""

    folder: str
    max_bytes: int
    kept: int

    def append(self, name: str, lines: List[bytes]) -> None:
        """Add complete lines, of max_bytes at most, to the file `name`. Raises OSError.

        Other processes wait meanwhile. NAME.1 is the newest of the older files.
        """
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, name)
        # A file of its own, as the one that is locked must not be renamed. Closing it unlocks.
        with open(os.path.join(self.folder, ".lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            size, whole = _inspect(path)
            waiting: List[bytes] = []
            for line in lines:
                if size and (not whole or size + len(line) > self.max_bytes):
                    _write(path, waiting)
                    self._rotate(path)
                    size, whole, waiting = 0, True, []
                waiting.append(line)
                size += len(line)
            _write(path, waiting)

    def _rotate(self, path: str) -> None:
        surplus = self.kept + 1
        while os.path.exists("{}.{}".format(path, surplus)):  # more were kept once
            os.remove("{}.{}".format(path, surplus))
            surplus += 1
        for number in range(self.kept, 0, -1):
            newer = "{}.{}".format(path, number - 1) if number > 1 else path
            if os.path.exists(newer):
                os.replace(newer, "{}.{}".format(path, number))
        if not self.kept:
            os.remove(path)


def _inspect(path: str) -> Tuple[int, bool]:
    """Return a file's size and whether its last line is whole: a killed process leaves half one."""
    if not os.path.exists(path) or not os.path.getsize(path):
        return 0, True
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return os.path.getsize(path), file.read() == b"\n"


def _write(path: str, lines: List[bytes]) -> None:
    text = memoryview(b"".join(lines))
    with open(path, "ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            while text:
                text = text[file.write(text) or 0 :]
        except OSError:  # a full disk: half a line would spoil the next one
            file.truncate(before)
            raise


class Line(NamedTuple):
    """A line for the file `name`; `on_error` is told why if it cannot be written."""

    name: str
    text: bytes
    on_error: Callable[[Exception], None]


class LineWriter:
    """Writes lines in a thread of its own, in the order they are given.

    One for each process: threads do not survive a fork.
    """

    def __init__(self, files: LineFiles, max_waiting: int) -> None:
        self._files = files
        self._max_waiting = max_waiting
        self._lines: Deque[Line] = deque()
        self._waiting = 0  # bytes, those that are being written included
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    def put(self, line: Line) -> None:
        """Leave a line to the thread. Raises BufferError if it is too far behind."""
        with self._changed:
            if self._waiting and self._waiting + len(line.text) > self._max_waiting:
                raise BufferError(
                    "{} bytes wait to be written to {}".format(self._waiting, self._files.folder)
                )
            if self._thread is None or not self._thread.is_alive():
                # A daemon: a disk that hangs must not keep the server from stopping.
                thread = threading.Thread(target=self._run, name="json-lines", daemon=True)
                thread.start()
                self._thread = thread
            self._lines.append(line)
            self._waiting += len(line.text)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until everything is written, at most `seconds`."""
        end = time.monotonic() + seconds
        with self._changed:
            while self._waiting and time.monotonic() < end:
                self._changed.wait(end - time.monotonic())

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    self._changed.wait()
                lines = list(self._lines)
                self._lines.clear()
            try:
                self._write(lines)
            finally:
                with self._changed:
                    self._waiting -= sum(len(line.text) for line in lines)
                    self._changed.notify_all()

    def _write(self, lines: List[Line]) -> None:
        by_name: Dict[str, List[Line]] = {}
        for line in lines:
            by_name.setdefault(line.name, []).append(line)
        for name, group in by_name.items():
            try:
                self._files.append(name, [line.text for line in group])
            except Exception as error:
                for line in group:
                    line.on_error(error)
