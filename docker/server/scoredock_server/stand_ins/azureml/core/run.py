"""Stand-in for azureml.core.run: outside of Azure a run has no run history to write to."""

import logging
import uuid
from typing import Any

from azureml.exceptions import RunEnvironmentException

from scoredock_server.stand_ins.cloud import CloudName, CloudType, needs_cloud

__all__ = ["Run", "get_run"]

log = logging.getLogger("azmlinfsrv.run")

get_run = CloudName("azureml.core.run.get_run")

# What a run takes and the reference, offline, prints.
_RECORDED = {
    "add_properties",
    "cancel",
    "complete",
    "fail",
    "flush",
    "log",
    "log_accuracy_table",
    "log_confusion_matrix",
    "log_image",
    "log_list",
    "log_predictions",
    "log_residuals",
    "log_row",
    "log_table",
    "set_tags",
    "tag",
    "upload_file",
    "upload_files",
    "upload_folder",
}


class Run(metaclass=CloudType):
    """A run of an experiment; get_context() works, as far as it does offline."""

    @classmethod
    def get_context(cls, allow_offline: bool = True, **_kwargs: Any) -> "OfflineRun":
        """Return a run that only writes to the log.

        Raises RunEnvironmentException if `allow_offline` is false.
        """
        if not allow_offline:
            raise RunEnvironmentException("this server is not part of a run that was submitted")
        return OfflineRun()

    @classmethod
    def get_submitted_run(cls, **_kwargs: Any) -> "OfflineRun":
        """Raise RunEnvironmentException: nothing was submitted."""
        return cls.get_context(allow_offline=False)


class OfflineRun:
    """A run whose metrics, tags and files go to the log, by their names, and nowhere else."""

    def __init__(self) -> None:
        self.id = "OfflineRun_{}".format(uuid.uuid4())

    def __getattr__(self, name: str) -> Any:
        # An AttributeError, so that hasattr(run, "experiment") stays the way to ask.
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in _RECORDED:
            raise AttributeError(str(needs_cloud("azureml.core.run.Run." + name)))

        def record(*args: Any, **kwargs: Any) -> None:
            values = [repr(value) for value in args]
            values += ["{}={!r}".format(key, value) for key, value in kwargs.items()]
            log.info("run.%s(%s)", name, ", ".join(values))

        return record

    def child_run(self, *_args: Any, **_kwargs: Any) -> "OfflineRun":
        """Return another run of the same kind."""
        return OfflineRun()

    def __enter__(self) -> "OfflineRun":
        return self

    def __exit__(self, *_error: Any) -> None:
        pass
