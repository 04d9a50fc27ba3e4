"""What a v2 deployment is made of: environment, model and code, here or by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from scoredock.errors import SpecError
from scoredock.formats import read, read_as
from scoredock.formats.deployment_v2 import read_deployment_v2
from scoredock.formats.document import Document
from scoredock.formats.reading import Reading
from scoredock.formats.service_reading import (
    ModelPath,
    Reference,
    number_of,
    object_of,
    path_of,
    place_of,
    reference_of,
    text_of,
)


def code_of(data: dict[str, Any], document: Document) -> tuple[Path, str]:
    """Return the code folder and the entry script in it. Raises SpecError where one is missing."""
    place = place_of(document, "code_configuration")
    code = object_of(data.get("code_configuration"), place)
    folder = code.get("code")
    if isinstance(folder, dict):  # of the previews
        folder = folder.get("local_path") or folder.get("path")
    folder, script = text_of(folder, f"{place}.code"), text_of(code.get("scoring_script"), place)
    if not folder or not script:
        raise SpecError(
            "expected code and scoring_script, which scoredock serves, found "
            f"{folder or script or 'neither'}",
            path=place,
            hint="an MLflow model, too, is served by an entry script with init() and run(); a "
            "container with a server of its own needs no scoredock",
        )
    if folder.startswith("azureml:") or "://" in folder:
        raise SpecError(
            f"expected a folder of this machine, found {folder!r}", path=f"{place}.code"
        )
    return path_of(document, folder, f"{place}.code"), script


def environment_of(data: dict[str, Any], document: Document) -> Reading | Reference:
    """Return an environment that stands there or in a file, or what it is called here."""
    place = place_of(document, "environment")
    value = data.get("environment")
    if isinstance(value, str) and not value.startswith("file:"):
        path = path_of(document, text_of(value, place), place)
        return reference_of(value, "environment", place) or _read_beside(path, value, place)
    if isinstance(value, dict) and value.get("name") and not value.keys() - {"name", "version"}:
        version = f":{value['version']}" if value.get("version") else ""
        return Reference(text=f"{value['name']}{version}", place=place)
    # Its variables are the service's own: another value needs no other image.
    rest = {key: each for key, each in data.items() if key != "environment_variables"}
    return read_as(
        read_deployment_v2,
        replace(document, data=rest, warnings=()),
        reason="its keys are those of a deployment",
    )


def _read_beside(path: Path, value: str, place: str) -> Reading:
    if not path.exists():
        raise SpecError(
            f"names {value!r}, which is not there",
            path=place,
            hint="azureml:NAME, azureml:NAME:VERSION, or a file beside this one",
        )
    return read(path)


def models_of(data: dict[str, Any], document: Document) -> tuple[Reference | ModelPath, ...]:
    """Return the one model, or none. Raises SpecError for a path that is not there."""
    value, place = data.get("model"), place_of(document, "model")
    if value is None:
        return ()
    name = version = ""
    if isinstance(value, dict):
        name, version = text_of(value.get("name"), place), text_of(value.get("version"), place)
        path = text_of(value.get("path") or value.get("local_path"), place)
        if name and not path:
            return (Reference(text=f"{name}:{version}" if version else name, place=place),)
    else:
        path = text_of(value, place)
    if reference := reference_of(path, "model", place):
        return (reference,)
    found = path_of(document, path, place)
    if not found.name.strip("."):  # as `..` is
        found = found.resolve()
    if not path or not found.exists():
        raise SpecError(
            f"names {path!r}, which is not there" if path else "expected a path, found none",
            path=place,
            hint="azureml:NAME, azureml:NAME:VERSION, or a file or folder beside this one",
        )
    number_of(version or 1, f"{place}.version")
    return (
        ModelPath(path=found, name=name or found.name[:30], version=version or "1", place=place),
    )
