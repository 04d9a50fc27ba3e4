"""The optional configuration file: settings as JSON, which the environment wins over."""

import json
import os
from typing import Dict, List, Mapping, Optional

from scoredock_server.setting_kinds import SettingError
from scoredock_server.settings import SETTINGS, Settings
from scoredock_server.without_effect import WITHOUT_EFFECT

_KNOWN = {row.name for row in SETTINGS} | set(WITHOUT_EFFECT) | {"HOSTNAME"}


class ConfigFile:
    """What the configuration file sets, by variable; nothing where there is no file.

    Raises SettingError for a file that is not a JSON object.
    """

    def __init__(self, settings: Settings) -> None:
        self.path = _find(settings)
        self._values = _read(self.path) if self.path else {}

    def missing_in(self, environ: Mapping[str, str]) -> Dict[str, str]:
        """Return the settings that `environ` does not hold."""
        taken = {name.upper() for name, value in environ.items() if value}
        return {name: value for name, value in self._values.items() if name in _KNOWN - taken}

    @property
    def unknown(self) -> List[str]:
        """The names in the file that are no setting."""
        return sorted(name for name in self._values if name not in _KNOWN)


def _find(settings: Settings) -> Optional[str]:
    if not settings.config_file:
        return settings.find_file("config.json")
    path = os.path.join(settings.app_root, settings.config_file)
    return path if os.path.isfile(path) else None


def _read(path: str) -> Dict[str, str]:
    with open(path, "rb") as file:
        content = file.read()
    if not content.strip():
        return {}
    try:
        values = json.loads(content)
    except ValueError as error:
        raise SettingError("{}: not JSON: {}".format(path, error)) from None
    if not isinstance(values, dict):
        raise SettingError('{}: expected an object, as {{"WORKER_COUNT": 2}}'.format(path))
    return {str(name): _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
