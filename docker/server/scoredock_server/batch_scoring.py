"""Several requests to /score, answered by one call of the script."""

import time
from contextlib import suppress
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from scoredock_server import log
from scoredock_server.deadline import ScoringTimeoutError, deadline
from scoredock_server.exchange import Exchange, set_current
from scoredock_server.scoring import SCRIPT_ERROR, RunError, Scored, Scorer, awaited

# A script whose calls for several requests fail says so once in so many seconds.
_SAID_AGAIN = 60.0


class Asked(NamedTuple):
    """A request, and what reads the arguments of run() from it."""

    exchange: Exchange
    read: Callable[[], Dict[str, Any]]


class BatchScorer:
    """Answers requests together; what cannot be answered so is left to be answered alone."""

    def __init__(self, scorer: Scorer, script: Any, milliseconds: int) -> None:
        self._scorer = scorer
        self._run = script.run
        self._batch = script.batch
        self._milliseconds = milliseconds
        self._said = -_SAID_AGAIN
        self._unsaid = 0

    def score(
        self, asked: List[Asked], alive: Callable[[], bool], renew: Callable[[], None]
    ) -> List[Optional[Scored]]:
        """Return what became of each request; None is one that run() has to answer alone.

        `alive` tells whether the server goes on, and `renew` is called before each call.
        """
        answers: List[Optional[Scored]] = [None] * len(asked)
        inputs: Dict[int, Any] = {}
        kinds: Dict[Any, List[int]] = {}
        for number, each in enumerate(asked):
            with suppress(Exception):  # alone it is answered with what is wrong with it
                inputs[number] = self._batch.prepared(self._run, each.read())
                kinds.setdefault(self._batch.kind(inputs[number]), []).append(number)
        for numbers in kinds.values():
            if len(numbers) < 2:
                continue
            exchanges = [asked[number].exchange for number in numbers]
            renew()
            found = self._call(exchanges, [inputs[number] for number in numbers], alive)
            if found is None:
                continue
            self._scorer.tell_call(len(numbers))
            for number, scored in zip(numbers, found):
                answers[number] = scored
        return answers

    def _call(
        self, exchanges: List[Exchange], inputs: List[Any], alive: Callable[[], bool]
    ) -> Optional[List[Scored]]:
        began = time.perf_counter()
        try:
            with deadline(self._milliseconds):
                results = self._batch.results(awaited(self._batch.call(inputs)), inputs)
        except BaseException as error:
            if alive() or isinstance(error, Exception):
                self._say(error, len(inputs))
                return None
            log.server.exception("%s was ended with the server", self._batch.name)
            return [RunError(SCRIPT_ERROR).scored()] * len(inputs)
        took = time.perf_counter() - began
        return [self._scored(each, took, result) for each, result in zip(exchanges, results)]

    def _scored(self, exchange: Exchange, took: float, result: Any) -> Scored:
        exchange.run_seconds = took
        set_current(exchange)
        try:
            if isinstance(result, BaseException):
                log.server.error(
                    "%s failed for this request [%s]",
                    self._batch.name,
                    exchange.ids,
                    exc_info=(type(result), result, result.__traceback__),
                )
                return RunError(SCRIPT_ERROR).scored()
            return self._scorer.returned(exchange, result)
        except RunError as error:
            return error.scored()
        finally:
            set_current(None)

    def _say(self, error: BaseException, count: int) -> None:
        """Say that a call has failed: once a minute at most, as each of its requests is retried."""
        now = time.monotonic()
        if now - self._said < _SAID_AGAIN:
            self._unsaid += 1
            return
        more = " ({} more such calls since)".format(self._unsaid) if self._unsaid else ""
        self._said, self._unsaid = now, 0
        log.server.warning(
            "%s %s for %d requests: each is answered alone, which is said once a minute%s",
            self._batch.name,
            "took too long" if isinstance(error, ScoringTimeoutError) else "failed",
            count,
            more,
            exc_info=True,
        )
