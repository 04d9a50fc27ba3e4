"""Metrics for Prometheus, of all workers together: what /metrics answers.

They need the package prometheus-client. What an entry script measures with it is among them.
"""

import os
import sys
from importlib.util import find_spec
from typing import Any, Dict, Iterator, Optional, Tuple

from scoredock_server import __version__, metric_files
from scoredock_server.exchange import Exchange
from scoredock_server.settings import Settings

# Any other path is a client's mistake, and may be any text.
_PATHS = frozenset(["/score", "/swagger.json"])
_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
)  # fmt: skip
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of this worker, and the page that tells those of all."""

    def __init__(self, client: Any, settings: Settings, init_seconds: float) -> None:
        self._client = client
        self._settings = settings
        self._init_seconds = init_seconds
        registry = client.CollectorRegistry()
        self._requests = client.Counter(
            "scoredock_requests_total", "Requests that were answered.", ["path", "status"],
            registry=registry,
        )  # fmt: skip
        self._seconds = client.Histogram(
            "scoredock_request_duration_seconds",
            "From a request to /score, read, to its answer.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._run_seconds = client.Histogram(
            "scoredock_run_duration_seconds", "How long run() took.",
            registry=registry, buckets=_SECONDS,
        )  # fmt: skip
        self._batch = client.Histogram(
            "scoredock_batch_size", "Requests that one call of the script answered.",
            registry=registry, buckets=_SIZES,
        )  # fmt: skip
        self._in_flight = client.Gauge(
            "scoredock_requests_in_flight", "Requests that are being answered.",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._waiting = client.Gauge(
            "scoredock_queue_length", "Requests that wait for run().",
            registry=registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._counts: Dict[Tuple[str, int], Any] = {}

    def in_flight(self, change: int) -> None:
        """Count a request that begins (1) or ends (-1)."""
        self._in_flight.inc(change)

    def waiting(self, count: int) -> None:
        """Say how many requests wait in this worker."""
        self._waiting.set(count)

    def batch(self, size: int) -> None:
        """Say how many requests one call of the script answers."""
        self._batch.observe(size)

    def answered(self, exchange: Exchange) -> None:
        """Count a request."""
        path = exchange.path if exchange.path in _PATHS else "other"
        counter = self._counts.get((path, exchange.status))
        if counter is None:
            counter = self._requests.labels(path, str(exchange.status))
            self._counts[path, exchange.status] = counter
        counter.inc()
        if path == "/score":
            self._seconds.observe(exchange.seconds)
        if exchange.run_seconds is not None:
            self._run_seconds.observe(exchange.run_seconds)

    def page(self) -> Tuple[bytes, str]:
        """Return the metrics of all workers as text, and its media type."""
        from prometheus_client.multiprocess import MultiProcessCollector

        metric_files.forget_the_dead()
        registry = self._client.CollectorRegistry()
        MultiProcessCollector(registry, path=metric_files.folder())
        registry.register(self)
        return self._client.generate_latest(registry), self._client.CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Any]:
        """Yield what is looked up when it is asked for."""
        from prometheus_client import core

        yield core.CounterMetricFamily(
            "scoredock_worker_starts",
            "Workers that began to serve: more than WORKER_COUNT are restarts.",
            metric_files.starts(),
        )
        info = core.GaugeMetricFamily(
            "scoredock_info", "What is served, always 1.", labels=["service", "version", "model",
            "server", "python"],
        )  # fmt: skip
        python = "{}.{}.{}".format(*sys.version_info[:3])
        settings = self._settings
        model = _model(settings.model_dir)
        info.add_metric(
            [settings.service_name, settings.service_version, model, __version__, python], 1
        )
        yield info
        yield core.GaugeMetricFamily(
            "scoredock_init_duration_seconds", "How long init() took.", self._init_seconds
        )
        memory = core.GaugeMetricFamily(
            "scoredock_resident_memory_bytes",
            "Memory of the server's processes; what they share counts for each.",
            labels=["process"],
        )
        for process, size in resident_memory().items():
            memory.add_metric([process], size)
        yield memory


def prepare(settings: Settings) -> None:
    """Make the folder of the metrics, before any worker is forked."""
    wanted = settings.metrics and not metric_files.lock()
    if wanted and find_spec("prometheus_client") is not None:
        metric_files.prepare()


def find_metrics(settings: Settings, init_seconds: float) -> Optional[Metrics]:
    """Return the metrics of this process, or None where they are off or cannot be."""
    client = find_client(settings)
    return Metrics(client, settings, init_seconds) if client else None


def find_client(settings: Settings) -> Any:
    """Return prometheus-client, set up for several processes, or None where there is no use."""
    if not (settings.metrics and metric_files.folder()):
        return None
    import prometheus_client
    from prometheus_client import values

    if getattr(values.ValueClass, "numbered", False):
        return prometheus_client
    # By number of the worker, not by process: see metric_files.py.
    values.ValueClass = values.MultiProcessValue(metric_files.worker_number)
    values.ValueClass.numbered = True
    return prometheus_client


def _model(folder: str) -> str:
    """Return NAME/VERSION where the folder is one model's, else nothing."""
    parts = os.path.normpath(folder).split(os.sep)
    return "/".join(parts[-2:]) if "azureml-models" in parts[-3:-2] else ""


def resident_memory() -> Dict[str, int]:
    """Return the bytes that the main process and all its workers have in memory."""
    main = os.getppid()
    try:
        with open("/proc/{0}/task/{0}/children".format(main), encoding="ascii") as file:
            workers = file.read().split()
    except OSError:  # a kernel that does not tell
        return {"worker": _resident(os.getpid())}
    return {"main": _resident(main), "workers": sum(map(_resident, workers))}


def _resident(pid: object) -> int:
    try:
        with open("/proc/{}/statm".format(pid), encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # it has ended meanwhile
        return 0
