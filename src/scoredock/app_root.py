"""What takes the place of /var/azureml-app without a container: a folder of links."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path


def make_link(place: Path, target: Path) -> None:
    """Let `place` lead to `target`; one that does already stays."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        place.symlink_to(target.resolve())


def model_dir(models: Path) -> Path:
    """Return what AZUREML_MODEL_DIR is for the folder of NAME/VERSION/<file or folder>.

    The newest version where there is one model, else the folder itself: as the server has it.
    """
    names = _folders(models)
    versions = _folders(names[0]) if len(names) == 1 else []
    numbered = [path for path in versions if re.fullmatch("[0-9]+", path.name)]
    return max(numbered, key=lambda path: int(path.name)) if numbered else models


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


def mirror(folder: Path, place: Path) -> None:
    """Let `place` be a folder with the files of `folder`, which are not copied.

    They are hard links: what searches a folder, as Path.rglob() before Python 3.13, does not follow
    links to folders. Where the disk has none, as from one file system to another, it is a link.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(folder, place, copy_function=os.link)
    except (OSError, shutil.Error):
        shutil.rmtree(place, ignore_errors=True)
        place.symlink_to(folder)
