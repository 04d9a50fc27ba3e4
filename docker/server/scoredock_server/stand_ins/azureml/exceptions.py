"""Stand-in for azureml.exceptions: the classes of azureml-core 1.61, for `except` clauses."""

from typing import Any, Optional


class AzureMLException(Exception):  # noqa: N818 - the package's name
    """The base of the other classes."""

    def __init__(
        self, exception_message: str = "", inner_exception: Optional[Any] = None, **_details: Any
    ) -> None:
        super().__init__(exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception


class ActivityFailedException(AzureMLException):
    """A run or another long operation failed."""


class AzureMLAggregatedException(AzureMLException):
    """Several errors in one."""


class ComputeTargetException(AzureMLException):
    """A compute target cannot be made or used."""


class DatasetTimestampMissingError(AzureMLException):
    """A dataset has no column of time."""


class DiscoveryUrlNotFoundException(AzureMLException):
    """The service's addresses cannot be found out."""


class ExperimentExecutionException(AzureMLException):
    """A run cannot be submitted."""


class ModelNotFoundException(AzureMLException):
    """There is no model of that name or version."""


class ModelPathNotFoundException(AzureMLException):
    """The files of a model are not where they should be."""


class ParallelRunException(AzureMLException):
    """A step of a batch pipeline is wrong."""


class ProjectSystemException(AzureMLException):
    """The folder of a project cannot be used."""


class RunConfigurationException(AzureMLException):
    """A run configuration is wrong."""


class RunEnvironmentException(AzureMLException):
    """This process is not part of a submitted run."""


class ServiceException(Exception):  # noqa: N818 - the package's name
    """The service in Azure answered with an error."""


class SnapshotException(AzureMLException):
    """A project's folder cannot be uploaded."""


class TrainingException(AzureMLException):
    """A training run is wrong or failed."""


class UserErrorException(AzureMLException):
    """The caller asked for something that cannot be."""


class AuthenticationException(UserErrorException):
    """The caller has not signed in."""


class WebserviceException(AzureMLException):
    """A model or a web service cannot be used."""


class WorkspaceException(AzureMLException):
    """A workspace cannot be used."""


class WorkspacePrivateEndpointException(AzureMLException):
    """A workspace's private endpoint cannot be used."""
