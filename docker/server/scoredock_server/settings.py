"""What the process environment tells the server: the container contract."""

import os
from typing import Mapping, NamedTuple


class Settings(NamedTuple):
    """Absolute paths, but for `entry_script`, which is relative to `app_root`."""

    app_root: str
    source_directory: str
    entry_script: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings; the variables have the reference server's names and defaults."""
    app_root = os.path.abspath(environ.get("AML_APP_ROOT") or "/var/azureml-app")
    source_directory = environ.get("AZUREML_SOURCE_DIRECTORY", "")
    return Settings(
        app_root=app_root,
        source_directory=os.path.join(app_root, source_directory),
        entry_script=environ.get("AZUREML_ENTRY_SCRIPT") or "main.py",
    )
