"""Let the WSGI application answer a request that has arrived in full."""

from datetime import datetime
from typing import Any, Callable, Dict, Tuple

from gunicorn.http import wsgi

from scoredock_server.connection import Connection
from scoredock_server.framing import ends_where_expected
from scoredock_server.output import Output


class GoneError(OSError):
    """The client is gone; raised in what writes an answer to it."""


def answer_by_wsgi(
    worker: Any,
    connection: Connection,
    request: Any,
    more: Dict[str, Any],
    stream: Callable[[bytes], None],
) -> Tuple[bool, bytes]:
    """Let the application answer; return whether the connection lives on, and what is to be sent.

    `more` is for its environ. `stream` is called with what has to be sent before the answer is
    complete; it may raise GoneError.
    """
    output = Output(stream)
    response: Any = None
    environ: Dict[str, Any] = {}
    began = datetime.now()
    try:
        worker.cfg.pre_request(worker, request)
        response, environ = wsgi.create(
            request, output, connection.address, connection.server, worker.cfg
        )
        environ.update(more)
        if connection.broken():
            response.force_close()
        _write(worker, response, environ, output)
        if connection.request is request:  # else it was answered for meanwhile: it is overdue
            worker.log.access(response, request, environ, datetime.now() - began)
    except GoneError:
        worker.log.debug("A client has not waited for its answer")
        return False, b""
    except Exception as error:
        if output.flushed:
            worker.log.exception("Error handling request")
            return False, b""
        output.take()
        worker.handle_error(request, output, connection.address, error)
        return False, output.take()
    finally:
        try:
            worker.cfg.post_request(worker, request, environ, response)
        except Exception:
            worker.log.exception("Exception in post_request hook")
    return not response.should_close() and ends_where_expected(request), output.take()


def _write(worker: Any, response: Any, environ: Dict[str, Any], output: Output) -> None:
    parts = worker.wsgi(environ, response.start_response)
    if not worker.alive:
        response.force_close()
    try:
        if isinstance(parts, environ["wsgi.file_wrapper"]):
            response.write_file(parts)
        else:
            for part in parts:
                response.write(part)
                if response.response_length is None or response.sent < response.response_length:
                    output.flush()
        response.close()
    finally:
        if hasattr(parts, "close"):
            parts.close()
