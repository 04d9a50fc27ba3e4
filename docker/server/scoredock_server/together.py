"""Requests that are answered together: which ones these are, and what becomes of each."""

from typing import Any, Callable, List, Optional

from scoredock_server.answer import Answer
from scoredock_server.connection import Connection
from scoredock_server.event_loop import EventLoop
from scoredock_server.fast_path import FastPath, ForFlask

# Who waits for a call that is shorter than this is answered by the next one, beside others.
_PATIENCE = 0.25


class Together:
    """What waits while a call of the script runs is answered by the next one.

    There is no timer: a request that finds the script idle is answered at once.
    """

    def __init__(
        self, fast: Optional[FastPath], loop: EventLoop, turn: Callable[[float], None]
    ) -> None:
        self._fast: Any = fast
        self._most = fast.batch_limit if fast is not None else 1
        self._loop = loop
        self._turn = turn
        self.several: List[Connection] = []
        if self._most > 1:
            loop.be_patient(_PATIENCE)

    def takes(self, connection: Connection) -> bool:
        """Tell whether a request may be answered together with others."""
        if self._most < 2 or connection.begun is not None or connection.gone:
            return False
        return connection.whole() and self._fast.takes(connection.request)

    def gather(self, first: Connection) -> bool:
        """Take what waits beside a request; tell whether there are `several` for one call.

        The others are put back.
        """
        loop = self._loop
        waiting = -1
        while waiting < len(loop.ready) < self._most:
            waiting = len(loop.ready)
            self._turn(0)  # as long as some come, more may
        several: List[Connection] = []
        alone: List[Connection] = []
        for each in [first, *loop.take(self.takes, self._most - 1)]:
            begun = self._fast.begin(each.request, each.body, each.address)
            each.begun = begun or ForFlask({})
            (several if begun else alone).append(each)
        if len(several) == 1:
            alone += several
            several = []
        self._put_back(alone)
        self.several = several
        return bool(several)

    def score(self, alive: Callable[[], bool], renew: Callable[[], None]) -> List[Any]:
        """Return the answers to them, as the FastPath has them."""
        begun = [each.begun for each in self.several]
        answers: List[Any] = self._fast.score_together(begun, alive, renew)
        return answers

    def give(self, answers: List[Any]) -> int:
        """Send the answers, put back who has none, and return how many were sent.

        What is told of them comes last: the next requests are on their way by then.
        """
        left = []
        for connection, answer in zip(self.several, answers):
            if isinstance(answer, Answer):
                connection.begun = None
                connection.send(answer.data)
                connection.finish(keep=answer.keep)
            else:
                connection.begun = answer or connection.begun
                left.append(connection)
        self._put_back(left)
        given = [answer for answer in answers if isinstance(answer, Answer)]
        for answer in given:
            answer.tell()
        return len(given)

    def _put_back(self, connections: List[Connection]) -> None:
        """Let each be answered alone, before others."""
        self._loop.ready.extendleft(reversed(connections))
