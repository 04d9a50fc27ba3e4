"""The conda part that a program begins with: the reference's template, or that of a file."""

from pathlib import Path
from typing import Any, Final

from scoredock.formats import read
from scoredock.output import warn
from scoredock.sdk.errors import UserErrorException, raised_as
from scoredock.spec import CondaDependencies as Spec

# What the reference SDK begins with (azureml-core 1.61).
TEMPLATE_PYTHON: Final = "3.8.13"
DEFAULT_PYTHON: Final = "3.10.18"
SERVER: Final = "azureml-defaults"
CHANNELS: Final = ("anaconda", "conda-forge")


def template(python: str, pip: list[str]) -> dict[str, Any]:
    """Return the conda part of a new environment."""
    return {
        "name": "project_environment",
        "dependencies": [f"python={python}", {"pip": list(pip)}],
        "channels": list(CHANNELS),
    }


def read_conda_spec(path: Path) -> Spec:
    """Return what a conda file, or a requirements file, says. Raises UserErrorException."""
    with raised_as(UserErrorException):
        reading = read(path)
    conda = reading.spec.python.conda_dependencies
    if conda is None or reading.form not in ("conda file", "requirements file"):
        raise UserErrorException(f"{path}: expected a conda file, found {reading.form}")
    for key in conda.model_extra or ():
        raise UserErrorException(
            f"Environment error: unknown {key} key in environment specification",
            hint="a conda file has name, channels, dependencies, prefix and variables",
        )
    for line in reading.warnings:
        warn(line)
    return conda


def spec_data(spec: Spec) -> dict[str, Any]:
    """Return a conda part in the structure of a conda file, to be changed."""
    data = spec.model_dump(by_alias=True, exclude_unset=True)
    items = data.get("dependencies") or ()
    data["dependencies"] = [
        {**item, "pip": list(item["pip"])} if isinstance(item, dict) else item for item in items
    ]
    if data.get("channels") is not None:
        data["channels"] = list(data["channels"])
    return data
