"""Which files of the entry script and of its models have changed.

They are looked at again and again: a folder that is mounted from another machine tells of no
change.
"""

import os
import time
from typing import Dict, List, Set, Tuple

from scoredock_server import log
from scoredock_server.settings import Settings

_LEFT_OUT = {"__pycache__", "azureml-models", "node_modules", "site-packages"}

# When it was last written, how long it is, and which file it is; by path.
Files = Dict[str, Tuple[int, int, int]]


class Changes:
    """Sees the Python files of the script's folders, the models and the configuration file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen = _files(settings)
        self._found = self._seen
        self._rested = 0.0

    def announce(self) -> None:
        """Log where they are."""
        folders = " and ".join(sorted(script_folders(self._settings)))
        log.server.info("Watching the Python files of %s, and the models", folders)

    def names(self) -> List[str]:
        """Return the names of what has changed since the last call that found some.

        None while files change still.
        """
        began = time.monotonic()
        if began < self._rested:
            return []
        before, self._found = self._found, _files(self._settings)
        # A folder with very many files may not take a processor for itself.
        now = time.monotonic()
        self._rested = now + 5 * (now - began)
        if self._found in (self._seen, {}) or self._found != before:
            return []
        changed = [path for path, state in self._found.items() if self._seen.get(path) != state]
        changed += sorted(set(self._seen) - set(self._found))
        self._seen = self._found
        return [os.path.basename(path) for path in changed]


def script_folders(settings: Settings) -> Set[str]:
    """Return the folders that hold the script and what it may import from beside it."""
    script = os.path.dirname(settings.script_path)
    source = os.path.normpath(settings.source_folder)
    inside = script == source or script.startswith(source + os.sep)
    return {source} if inside else {source, script}


def _files(settings: Settings) -> Files:
    """Return the state of every file that counts."""
    files: Files = {}
    config = settings.config_file or "config.json"
    for folder in script_folders(settings):
        for parent, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if _counts(parent, name)]
            for name in names:
                if name.endswith(".py"):
                    _note(files, os.path.join(parent, name))
    for models in {os.path.join(settings.app_root, "azureml-models"), settings.model_dir}:
        for parent, _, names in os.walk(models):
            _note(files, parent)
            for name in names:
                _note(files, os.path.join(parent, name))
    for folder in (settings.app_root, os.path.dirname(settings.script_path)):
        _note(files, os.path.join(folder, config))
    return files


def _counts(parent: str, name: str) -> bool:
    if name.startswith(".") or name in _LEFT_OUT:
        return False
    return not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))


def _note(files: Files, path: str) -> None:
    try:
        state = os.stat(path)
    except OSError:  # it is being replaced just now, or is not there
        return
    files[path] = (state.st_mtime_ns, state.st_size, state.st_ino)
