"""Load the user's entry script and hold its `init` and `run`."""

import importlib.util
import os
import sys
from typing import Any, Callable, NamedTuple

from scoredock_server.settings import Settings

# Registered under this name so that pickle and dataclasses find what the script defines.
MODULE_NAME = "entry_module"


class EntryScript(NamedTuple):
    """The two functions that make a Python file an entry script."""

    init: Callable[[], Any]
    run: Callable[[str], Any]


class EntryScriptError(Exception):
    """The entry script cannot be used; the message says why."""


def load_entry_script(settings: Settings) -> EntryScript:
    """Import the entry script once, with the folders that it may import from on sys.path.

    Raises EntryScriptError where the file, `init` or `run` is missing, and whatever the script
    itself raises while it is imported.
    """
    path = os.path.join(settings.app_root, settings.entry_script)
    if not os.path.isfile(path):
        raise EntryScriptError(
            "no entry script at {} (AZUREML_ENTRY_SCRIPT={})".format(path, settings.entry_script)
        )
    for folder in (settings.app_root, settings.source_directory, os.path.dirname(path)):
        if folder not in sys.path:
            sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None or spec.loader is None:
        raise EntryScriptError("{} is not a Python file: its name must end in .py".format(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    spec.loader.exec_module(module)
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise EntryScriptError("{} defines no function {}()".format(path, name))
    return EntryScript(init=module.init, run=module.run)
