"""A spec as the folder that the reference SDK saves, whatever form it was read from."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from scoredock.context import check_base_context, copy_source
from scoredock.dockerfile import base_stages
from scoredock.errors import SpecError
from scoredock.formats.reading import Reading
from scoredock.spec import CONDA_FILE, DOCKERFILE, SPEC_FILE, EnvironmentSpec

CANONICAL: Final = (SPEC_FILE, CONDA_FILE, DOCKERFILE)


def canonical_files(spec: EnvironmentSpec) -> tuple[dict[str, str], list[str]]:
    """Return the text of each file, by name, and a warning for what is left out of them.

    Keys stand in the order of the SDK; its JSON has four blanks of indentation, non-ASCII as
    \\uXXXX and no line break at its end (azureml-core 1.61).
    """
    data = spec.model_dump(by_alias=True, exclude_unset=True)
    warnings = []
    python, docker = data.get("python") or {}, data.get("docker") or {}
    files = {}
    conda = python.pop("condaDependencies", None)
    if conda is not None:
        files[CONDA_FILE] = _yaml(conda)
        if python.get("condaDependenciesFile"):
            python["condaDependenciesFile"] = None  # its content is the conda file beside
    if docker.get("baseDockerfile"):
        files[DOCKERFILE] = docker.pop("baseDockerfile")
    registry = docker.get("baseImageRegistry") or {}
    for key in ("username", "password"):
        if registry.get(key) is not None:
            registry[key] = None
            warnings.append(
                f"{spec.where(f'docker.baseImageRegistry.{key}')} is left out: `docker login "
                f"{registry.get('address') or 'ADDRESS'}` keeps it better"
            )
    return {SPEC_FILE: json.dumps(data, indent=4), **files}, warnings


def _yaml(conda: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(
        _texts(conda), sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False
    )
    return text


def _texts(value: Any) -> Any:
    """Return a value with numbers as text, which is what they are read as."""
    if isinstance(value, Mapping):
        return {str(key): _texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(item) for item in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def write_canonical(folder: Path, files: Mapping[str, str], *, base_context: Path | None) -> None:
    """Write the files into `folder`: all of them, or none where something is wrong.

    `base_context` is the folder that the Dockerfile takes files from; they are copied beside it.
    Raises SpecError where the folder holds anything already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SpecError(
            "is not an empty folder",
            path=str(folder),
            hint="name another: what an older environment left there would be read with it",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            target = Path(scratch) / folder.name
            target.mkdir()
            leave_out = folder.parent.resolve() / scratch
            fill_canonical(target, files, base_context=base_context, leave_out=leave_out)
            if folder.exists():
                folder.rmdir()
            target.rename(folder)
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", path=str(folder)) from error


def fill_canonical(
    folder: Path, files: Mapping[str, str], *, base_context: Path | None, leave_out: Path
) -> None:
    """Write the files into a folder that is there, with all of `base_context` but `leave_out`.

    Raises SpecError for a text that no file can hold.
    """
    if base_context is not None:
        copy_source(base_context.resolve(), folder, leave_out.resolve())
    for name in CANONICAL:
        (folder / name).unlink(missing_ok=True)
    try:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except UnicodeEncodeError as error:
        raise SpecError(f"half a character, which no file can hold: {error}") from error


def canonical_context(reading: Reading) -> Path | None:
    """Return the folder that the environment's Dockerfile takes files from, if it takes any.

    Raises SpecError where it is not there.
    """
    text = reading.spec.docker and reading.spec.docker.base_dockerfile
    if not text:
        return None
    place = reading.spec.where("docker.baseDockerfile")
    stages, _ = base_stages(text, place=place)
    check_base_context(reading.build_context, stages.files, place=place)
    return reading.build_context if stages.files else None
