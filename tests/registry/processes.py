"""Processes that register the same name all at once, are killed, and leave a record of it.

What a writer has reported is a line in its record, which is there whatever happens to it then.
"""

import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from scoredock import environments, registry
from scoredock.errors import StorageError
from scoredock.formats import read
from scoredock.workspace import Workspace

# Each is forked from one that has imported all, so that a new one starts in milliseconds.
processes = get_context("forkserver")
processes.set_forkserver_preload(["scoredock.registry", "scoredock.environments"])

NAME = "contested"


@dataclass(frozen=True)
class Record:
    """What one writer has tried and what it was told; `done` has the version by the token."""

    path: Path

    def add(self, *words: object) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, (" ".join(map(str, words)) + "\n").encode())
        os.close(file)

    def lines(self) -> list[list[str]]:
        text = self.path.read_text() if self.path.exists() else ""
        return [line.split(maxsplit=1) for line in text.splitlines()]

    def tried(self) -> set[str]:
        return {rest for word, rest in self.lines() if word == "try"}

    def done(self) -> dict[str, int]:
        found = [rest.split() for word, rest in self.lines() if word == "done"]
        assert len({token for token, _ in found}) == len(found)
        return {token: int(version) for token, version in found}

    def refused(self) -> list[str]:
        return [rest for word, rest in self.lines() if word == "full"]

    def failed(self) -> list[str]:
        return [rest for word, rest in self.lines() if word == "failed"]


def write(workspace: Workspace, model: Path, record: Record, times: int) -> None:
    """Register until `times` attempts have been answered, in this process's life or before."""
    while len(record.done()) + len(record.refused()) < times:
        token = uuid.uuid4().hex
        record.add("try", token)
        try:
            made = registry.register(workspace, model, name=NAME, properties={"token": token})
        except StorageError as error:
            record.add("full", error)
        except BaseException as error:
            record.add("failed", repr(error))
            raise
        else:
            record.add("done", token, made.version)


def tag(workspace: Workspace, version: int, key: str) -> None:
    """Add a tag to a version that others add tags to."""
    found = registry.find(workspace, NAME, version=version)
    registry.add_tags(workspace, found, {key: "yes"})


def register_environment(workspace: Workspace, path: Path) -> None:
    """Register what others register as well."""
    environments.register(workspace, read(path).spec)


def read_all_the_time(workspace: Workspace, record: Record, stop: object) -> None:
    """List until told to stop; report each version of which only a part is there."""
    rounds = 0
    while not stop.is_set():
        rounds += 1
        with suppress(FileNotFoundError):
            for folder in (workspace.models.folder / NAME).iterdir():
                there = sorted(path.name for path in folder.iterdir())
                if there != ["files", "manifest.json"]:
                    record.add("failed", folder.name, there)
        try:
            models = registry.list_models(workspace)
        except Exception as error:
            record.add("failed", repr(error))
            raise
        for model in models:
            for file in model.files:
                if (model.files_folder / file.path).stat().st_size != file.size:
                    record.add("failed", model.id, file.path)
        if [model.version for model in models] != list(range(1, len(models) + 1)):
            record.add("failed", "a gap in", [model.version for model in models])
        time.sleep(0.05)  # the writers need the processors as well
    record.add("rounds", rounds)


def start(function: object, *arguments: object) -> BaseProcess:
    process = processes.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process
