"""Which folder AZUREML_MODEL_DIR names."""

import os
import re
from typing import List

VOLUME = "azureml-models"


def find_model_dir(models: str) -> str:
    """Return what AZUREML_MODEL_DIR must be for the model volume `models`.

    The volume holds NAME/VERSION/<one file or folder>. One model: its newest VERSION folder
    (10 is newer than 2). Several models, or none: the volume itself, as in the reference.
    """
    names = _folders(models)
    if len(names) != 1:
        return models
    versions = [
        name for name in _folders(os.path.join(models, names[0])) if re.match("[0-9]+$", name)
    ]
    if not versions:
        return models
    return os.path.join(models, names[0], max(versions, key=int))


def find_volume(app_root: str, model_dir: str) -> str:
    """Return the model volume: the root's own, or else the one that AZUREML_MODEL_DIR lies in.

    It lies outside of the root where that is the entry script's folder, as for a v2 deployment.
    """
    volume = os.path.join(app_root, VOLUME)
    folder = os.path.abspath(os.path.join(app_root, model_dir))
    if os.path.isdir(volume) or not model_dir:
        return volume
    while os.path.basename(folder) not in (VOLUME, ""):
        folder = os.path.dirname(folder)
    return folder if os.path.basename(folder) else volume


def list_files(folder: str, limit: int = 200) -> List[str]:
    """Return up to `limit` paths of files below `folder`, relative to it."""
    files: List[str] = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        files.extend(os.path.relpath(os.path.join(parent, name), folder) for name in sorted(names))
        if len(files) >= limit:
            break
    return files[:limit]


def _folders(path: str) -> List[str]:
    if not os.path.isdir(path):
        return []
    return sorted(
        name
        for name in os.listdir(path)
        if not name.startswith(".") and os.path.isdir(os.path.join(path, name))
    )
