"""The errors of the reference SDK, as kinds of ours.

AzureMLException                    the reference's base class; a ScoredockError here
├── UserErrorException              an argument that cannot be used
│   └── FolderExistsException       a FileExistsError, too
└── WebserviceException             what concerns models and services
    ├── ModelNotFoundException      a NotFoundError, too
    └── ModelPathNotFoundException  a FileNotFoundError, too
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scoredock.errors import EngineError, NotFoundError, ScoredockError, SpecError
from scoredock.output import warn


class AzureMLException(ScoredockError):
    """What went wrong; its text holds the log and the next action too: a program prints no more."""

    def __init__(
        self, message: str, *, hint: str = "", log: Sequence[str] = (), exit_code: int = 1
    ) -> None:
        lines = [message, *(f"  | {line}" for line in log)]
        text = "\n".join([*lines, f" hint: {hint}"] if hint else lines)
        # Not the next class: some of ours take line breaks out.
        ScoredockError.__init__(self, text)
        self.message = message
        self.log = tuple(log)
        self.exit_code = exit_code


class UserErrorException(AzureMLException):
    """An argument, or a file that it names, cannot be used."""

    def __init__(
        self, message: str, *, hint: str = "", log: Sequence[str] = (), exit_code: int = 2
    ) -> None:
        super().__init__(message, hint=hint, log=log, exit_code=exit_code)


class FolderExistsException(UserErrorException, FileExistsError):
    """A folder is there already."""


class WebserviceException(AzureMLException):
    """What concerns a model or a service went wrong."""


class ModelNotFoundException(WebserviceException, NotFoundError):
    """There is no such model, or no such version."""


class ModelPathNotFoundException(WebserviceException, FileNotFoundError):
    """There is no file or folder of a model."""


@contextmanager
def raised_as(kind: type[AzureMLException]) -> Iterator[None]:
    """Turn our errors into the kind that a program for the reference expects there."""
    try:
        yield
    except AzureMLException:
        raise
    except ScoredockError as error:
        if issubclass(kind, WebserviceException) and isinstance(error, NotFoundError):
            kind = ModelNotFoundException
        for line in error.warnings if isinstance(error, SpecError) else ():
            warn(line)
        log = error.log if isinstance(error, EngineError) else ()
        raise kind(str(error), hint=error.hint, log=log, exit_code=error.exit_code) from error
