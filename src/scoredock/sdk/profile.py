"""How long a service takes to answer, measured on this machine in one that is there for that."""

import time
import uuid
from contextlib import suppress
from typing import Any

from scoredock.output import note
from scoredock.sdk.errors import AzureMLException, WebserviceException, raised_as
from scoredock.sdk.inference_config import InferenceConfig
from scoredock.sdk.local_webservice import LocalWebservice
from scoredock.sdk.model import Models
from scoredock.sdk.operations import Operation
from scoredock.sdk.workspace import Workspace

# One that answers slowly is not asked for longer than that.
_MOST_SECONDS = 60
_PERCENTILES = {"50": 0.5, "90": 0.9, "95": 0.95, "99": 0.99, "999": 0.999}


class ModelProfile:
    """A measurement that has been begun."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        models: Models,
        inference_config: InferenceConfig,
        *,
        input_data: Any,
        requests: int,
        description: str | None = None,
    ) -> None:
        """Begin: deploy a service, ask it `requests` times, one after the other, delete it."""
        if input_data is None:
            raise WebserviceException(
                "expected input_data, found none", hint="input_data=… is one request's body"
            )
        self.name = name
        self.description = description
        self.workspace = workspace
        self._models, self._config = models, inference_config
        self._input_data, self._requests = input_data, requests
        self._details: dict[str, Any] = {}
        self._operation = Operation(self._measure, doing=f"profiling {name}")

    @property
    def state(self) -> str:
        """`Running`, `Succeeded` or `Failed`."""
        if self._operation.is_running:
            return "Running"
        return "Failed" if self._operation.has_failed else "Succeeded"

    def wait_for_completion(self, show_output: bool = False) -> None:
        """Return once it is measured. Raises WebserviceException where the service cannot be."""
        self._operation.result()
        if show_output:
            note(f"{self.name}: {self._details}")

    def get_details(self) -> dict[str, Any]:
        """Return the figures, by the reference's keys; milliseconds."""
        return {
            "name": self.name,
            "description": self.description,
            "state": self.state,
            "error": self._operation.error,
            **self._details,
        }

    def serialize(self) -> dict[str, Any]:
        """Return the same as get_details()."""
        return self.get_details()

    def _measure(self, _mark: Any) -> None:
        name = f"profile-{uuid.uuid4().hex[:8]}"
        service = LocalWebservice(self.workspace, name, must_exist=False)
        with raised_as(WebserviceException):
            try:
                service._deploy(self._models, self._config, None)
                service.wait_for_deployment()
                self._ask(service)
            finally:
                with suppress(AzureMLException):
                    service.delete()

    def _ask(self, service: LocalWebservice) -> None:
        times: list[float] = []
        failures = 0
        begun = time.monotonic()
        for _ in range(self._requests):
            asked = time.monotonic()
            try:
                service.run(self._input_data)
            except WebserviceException:
                failures += 1
            else:
                times.append(1000 * (time.monotonic() - asked))
            if time.monotonic() - begun > _MOST_SECONDS:
                break
        self._details = figures(times, failures, seconds=time.monotonic() - begun)


def figures(times: list[float], failures: int, *, seconds: float) -> dict[str, Any]:
    """Return what is told of requests that took `times` milliseconds, in `seconds` in all."""
    ordered = sorted(times)
    count = len(times)
    details: dict[str, Any] = {
        "totalQueries": count + failures,
        "successQueries": count,
        "successRate": 100 * count / max(count + failures, 1),
        "averageLatencyInMs": sum(times) / count if times else None,
        "measuredQueriesPerSecond": (count + failures) / seconds,
    }
    for name, share in _PERCENTILES.items():
        at = min(int(share * count), count - 1)
        details[f"latencyPercentile{name}InMs"] = ordered[at] if times else None
    return details
