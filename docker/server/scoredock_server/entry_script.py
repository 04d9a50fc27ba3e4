"""Load the user's entry script and find out what its run() takes."""

import importlib.util
import inspect
import os
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from scoredock_server import log
from scoredock_server.batching import BatchError, find_run_batch, find_stacked_rows
from scoredock_server.rawhttp import is_rawhttp
from scoredock_server.schema import Schema, read_schema
from scoredock_server.settings import Settings

# Registered under this name so that pickle and dataclasses find what the script defines.
MODULE_NAME = "entry_module"
HEADERS = "request_headers"


class EntryScriptError(Exception):
    """The entry script cannot be used; the message says why."""


class EntryScript(NamedTuple):
    """The two functions that make a Python file an entry script.

    `parameters` are those of run() without request_headers, in order, with their defaults
    (`inspect.Parameter.empty` where there is none). `thread_safe` is what the script says: whether
    run() may have several requests at once. `batch` makes one call of the script for several: a
    RunBatch or StackedRows.
    """

    path: str
    init: Callable[[], Any]
    run: Callable[..., Any]
    parameters: Dict[str, Any]
    wants_headers: bool
    rawhttp: bool
    schema: Optional[Schema]
    thread_safe: bool
    batch: Any


def load_entry_script(settings: Settings) -> EntryScript:
    """Import the entry script once, with the folders that it may import from on sys.path.

    Raises EntryScriptError where the file or its init() or run() cannot be used, and whatever the
    script itself raises while it is imported.
    """
    path = _path(settings)
    for folder in (settings.app_root, settings.source_folder, os.path.dirname(path)):
        if folder not in sys.path:
            sys.path.append(folder)
    module = _import(path)
    init = _function(module, path, "init")
    # A driver script puts the module that really scores under this name.
    driver = getattr(module, "driver_module", None)
    scorer = driver if isinstance(driver, ModuleType) and hasattr(driver, "run") else module
    run, batch = _calls(scorer, path)
    schema = read_schema(run)
    if schema and is_rawhttp():
        raise EntryScriptError(
            "{}: run() has both @rawhttp and a schema: it can take the request or its"
            " parameters".format(path)
        )
    parameters = _parameters(run, path)
    wants_headers = HEADERS in parameters
    inputs = {name: value for name, value in parameters.items() if name != HEADERS}
    if batch is None:
        batch = _checked(path, lambda: find_stacked_rows(run, inputs, schema))
    return EntryScript(
        path=path,
        init=init,
        run=run,
        parameters=inputs,
        wants_headers=wants_headers,
        rawhttp=is_rawhttp(),
        schema=schema,
        thread_safe=getattr(scorer, "thread_safe", False) is True,
        batch=batch if settings.batch_limit > 1 else None,
    )


def _calls(module: ModuleType, path: str) -> "Tuple[Callable[..., Any], Any]":
    """Return what answers one request, and what several of them, or None."""
    batch = _checked(path, lambda: find_run_batch(module))
    if batch is not None and not hasattr(module, "run"):
        return batch.call_alone, batch
    if batch is None and hasattr(module, "run_batch"):
        log.user_script.info("run_batch() is not called: it does not take one list alone")
    return _function(module, path, "run"), batch


def _checked(path: str, find: Callable[[], Any]) -> Any:
    try:
        return find()
    except BatchError as error:
        raise EntryScriptError("{}: {}".format(path, error)) from None


def _path(settings: Settings) -> str:
    path = settings.script_path
    if not path.endswith(".py"):
        raise EntryScriptError("{} is not a Python file: its name must end in .py".format(path))
    if not os.path.isfile(path):
        raise EntryScriptError(
            "no entry script at {} (AZUREML_ENTRY_SCRIPT={}){}".format(
                path, settings.entry_script, _neighbours(os.path.dirname(path))
            )
        )
    return path


def _neighbours(folder: str) -> str:
    if not os.path.isdir(folder):
        return ": there is no folder {}".format(folder)
    scripts = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    return ": the folder has {}".format(", ".join(scripts[:10]) or "no Python file")


class _FromSource(SourceFileLoader):
    """Loads what the file holds now.

    A compiled file is known by its source's second and size, and an edit before a reload may keep
    both.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _import(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None or spec.loader is None:
        raise EntryScriptError("{} is not a Python file".format(path))
    if isinstance(spec.loader, SourceFileLoader):
        spec.loader = _FromSource(MODULE_NAME, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    spec.loader.exec_module(module)
    return module


def _function(module: ModuleType, path: str, name: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if not callable(function):
        raise EntryScriptError("{} defines no function {}()".format(path, name))
    return function  # type: ignore[no-any-return]


def _parameters(run: Callable[..., Any], path: str) -> Dict[str, Any]:
    parameters: List[inspect.Parameter] = list(inspect.signature(run).parameters.values())
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise EntryScriptError(
                "{}: run() must name each of its parameters; {} cannot be given by name".format(
                    path, parameter
                )
            )
    found = {parameter.name: parameter.default for parameter in parameters}
    if not set(found) - {HEADERS}:
        raise EntryScriptError(
            "{}: run() must take at least one parameter besides {}".format(path, HEADERS)
        )
    return found


def mentions_flask(script: EntryScript, settings: Settings) -> bool:
    """Tell whether the script may look at Flask's own request, which is not there without Flask."""
    folders = (os.path.dirname(script.path), settings.source_folder)
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not (isinstance(path, str) and path.endswith(".py")):
            continue
        if path.startswith(folders) and "site-packages" not in path:
            with open(path, "rb") as file:
                if b"flask" in file.read():
                    return True
    return False
