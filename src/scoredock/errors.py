"""Every error a user can cause; the CLI prints it in one line, without a traceback.

ScoredockError      exit 1   base class; also a request that the service did not answer with 200
├── SpecError       exit 2   the spec, or a path given with it, is wrong; says where
├── WorkspaceError  exit 2   what is asked of the workspace, or given to it, cannot be
│   └── NotFoundError        no such model, version or environment, or no workspace
├── TemplateError   exit 3   a template is missing or uses an unknown name or block
├── EngineError     exit 4   docker, compose or the service that they should have started failed
├── StorageError    exit 4   the disk of the workspace is full or fails; nothing half is there
└── LockError       exit 4   scoredock.lock is missing, unreadable, or was made for something else
"""

import re
from collections.abc import Sequence

from scoredock.masking import masked


def presentable(text: str) -> str:
    """Return text in one line that no terminal takes for a command, and without secrets.

    It may quote what a user wrote.
    """
    return masked(re.sub(r"[\x00-\x1f\x7f]+", " ", text))


class ScoredockError(Exception):
    """What was found and what was expected; `hint` is the next action, in one line."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SpecError(ScoredockError):
    """The spec does not follow the format; `path` is where, as in `docker.baseImage`.

    `warnings` are what was found before, and may be the cause.
    """

    exit_code = 2

    def __init__(
        self, message: str, *, path: str = "", hint: str = "", warnings: Sequence[str] = ()
    ) -> None:
        whole = f"{path}: {message}" if path else message
        super().__init__(presentable(whole), hint=presentable(hint))
        self.path = path
        self.warnings = tuple(warnings)


class WorkspaceError(ScoredockError):
    """What is asked of the workspace, or given to it, cannot be."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(presentable(message), hint=hint)


class NotFoundError(WorkspaceError):
    """There is no such model, version or environment in the workspace, or no workspace."""


class TemplateError(ScoredockError):
    """A template cannot be used."""

    exit_code = 3


class EngineError(ScoredockError):
    """The engine, or what it was to run, failed; `command` is the line that a person can repeat."""

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        command: Sequence[str] = (),
        log: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.command = tuple(command)
        self.log = tuple(log)


class StorageError(ScoredockError):
    """A file of the workspace could not be written or read; what was there before is as it was."""

    exit_code = 4


class LockError(ScoredockError):
    """There is no lock to build from, or it does not belong to what is to be built."""

    exit_code = 4
