"""What a model was registered to be served with in the cloud."""

from dataclasses import dataclass

from scoredock.sdk.errors import WebserviceException


@dataclass(frozen=True, slots=True)
class ResourceConfiguration:
    """Processors, memory and GPUs; here a service's limits are `docker.arguments`."""

    cpu: float | None = None
    memory_in_gb: float | None = None
    gpu: int | None = None

    def __post_init__(self) -> None:
        for name in ("cpu", "memory_in_gb"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise WebserviceException(f"{name}: expected more than 0, found {value!r}")
