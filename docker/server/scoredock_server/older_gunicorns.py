"""What later gunicorns do, for those that an old Python or an old environment can have."""

import os
import re
import stat
import time
from typing import Any

import gunicorn
from gunicorn.http.errors import InvalidHeader, NoMoreData
from gunicorn.http.message import Message
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.workertmp import WorkerTmp

# RFC 9110, 5.5: a line break in a header that is echoed would begin another header.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Every other reader of a request takes the first empty read for its end.
_EMPTY_READS = 10


def catch_up() -> None:
    """Mend the gunicorn that is installed, before it serves."""
    if gunicorn.version_info < (22,):
        _let_init_take_its_time()
    if gunicorn.version_info < (23,):
        _end_with_the_connection()
    if gunicorn.version_info < (27,):
        _refuse_control_characters()


def _let_init_take_its_time() -> None:
    """WORKER_TIMEOUT counts from a worker's first heartbeat."""
    last_heartbeat = WorkerTmp.last_update

    def last_update(worker_file: Any) -> Any:
        # In these versions a heartbeat sets the mode of the worker's file to 0 or 1.
        loading = stat.S_IMODE(os.fstat(worker_file.fileno()).st_mode) > 1
        return time.time() if loading else last_heartbeat(worker_file)

    WorkerTmp.last_update = last_update


def _end_with_the_connection() -> None:
    """A connection that ends right after a chunk ends the body; it was waited for without end."""
    read = SocketUnreader.chunk

    def chunk(reader: Any) -> Any:
        data = read(reader)
        reader.empty_reads = 0 if data else getattr(reader, "empty_reads", 0) + 1
        if reader.empty_reads > _EMPTY_READS:
            raise NoMoreData()
        return data

    SocketUnreader.chunk = chunk


def _refuse_control_characters() -> None:
    """A header with a control character in its value is a 400."""
    parse = Message.parse_headers

    def parse_headers(message: Any, *arguments: Any, **options: Any) -> Any:
        headers = parse(message, *arguments, **options)
        for name, value in headers:
            if _CONTROL.search(value):
                raise InvalidHeader(name)
        return headers

    Message.parse_headers = parse_headers
