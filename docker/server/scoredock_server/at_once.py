"""What the event loop answers itself, whatever run() does: health, limits, and who may not ask."""

from typing import Any

from gunicorn import util
from werkzeug.http import HTTP_STATUS_CODES

from scoredock_server.answer import Answer
from scoredock_server.app import TOO_LONG
from scoredock_server.connection import Connection
from scoredock_server.output import Output


class AtOnce:
    """Asked about each request, from its head on; `fast` is the FastPath, if there is one."""

    def __init__(self, worker: Any, fast: Any) -> None:
        self._worker = worker
        self._fast = fast
        self.loop: Any = None

    def begins(self, connection: Connection, length: int) -> None:
        """A head has come; `length` bytes of body follow, or chunks."""
        if not self.grows(connection, length) or self._fast is None:
            return
        request, alive = connection.request, self._worker.alive
        has_body = bool(length) or not connection.whole()
        answer = self._fast.without_key(request, connection.address, keep=alive and not has_body)
        if answer is None and not has_body:
            answer = self._fast.health(request, alive=alive, obstacle=self._obstacle())
        if answer is not None:
            self._give(connection, answer)

    def grows(self, connection: Connection, length: int) -> bool:
        """A body has, or will have, this many bytes; return whether it may."""
        most = self.loop.limits.body
        if not most or length <= most:
            return True
        self._answer_error(connection, 413, TOO_LONG.format(most), keep=False)
        return False

    def arrived(self, connection: Connection) -> None:
        """A request has come in full."""
        if not self.grows(connection, len(connection.body)):
            return
        if self._obstacle():
            self._turn_away(connection)
        else:
            self.loop.ready.append(connection)

    def turn_away_all(self) -> None:
        """Answer the requests that wait: run() will not have them."""
        while self.loop.ready:
            connection = self.loop.ready.popleft()
            if not connection.gone:
                self._turn_away(connection)

    def refuse(self, connection: Connection, error: Exception) -> None:
        """What has come is no request."""
        output = Output(connection.send)
        self._worker.handle_error(None, output, connection.address, error)
        connection.send(output.take())
        connection.close()

    def expired(self, connection: Connection) -> None:
        """The body has not come in time."""
        message = "The request body did not arrive in time."
        self._answer_error(connection, 408, message, keep=False)

    def _obstacle(self) -> str:
        """Return why no request may wait now, or nothing."""
        if self.loop.stuck:
            return "a run() does not end"
        most = self.loop.limits.queue
        return "too many requests wait" if most and len(self.loop.ready) >= most else ""

    def _turn_away(self, connection: Connection) -> None:
        reason = self._obstacle() or "the worker ends"
        keep = self._worker.alive and not connection.broken()
        message = "{}: try again later.".format(reason.capitalize())
        self._answer_error(connection, 503, message, keep=keep)

    def _answer_error(
        self, connection: Connection, status: int, message: str, *, keep: bool
    ) -> None:
        if self._fast is None:
            output = Output(connection.send)
            util.write_error(output, status, HTTP_STATUS_CODES[status], message)
            connection.send(output.take())
            connection.close()
            return
        answer = self._fast.refusal(
            connection.request, connection.address, status, message, keep=keep
        )
        self._give(connection, answer)

    def _give(self, connection: Connection, answer: Answer) -> None:
        connection.send(answer.data)
        connection.finish(keep=answer.keep)
        answer.tell()
