"""What several test modules are made of."""

import dataclasses

from scoredock.pip_packages import PipPackage
from scoredock.render import ScoringCode
from scoredock.resolve import ResolvedEnvironment
from scoredock.spec import EnvironmentSpec

CODE = ScoringCode(source_name="digits", entry_script="score.py")

# The text of a spec that nothing is wrong with.
SPEC = '{"name": "x", "python": {"condaDependencies": {"dependencies": ["python=3.11"]}}}'

# What templates may print.
NAMES = [
    *(f"env.{field.name}" for field in dataclasses.fields(ResolvedEnvironment)),
    *(f"env.{n}" for n, value in vars(ResolvedEnvironment).items() if isinstance(value, property)),
    *(f"code.{field.name}" for field in dataclasses.fields(ScoringCode)),
]


def spec(*dependencies, python=None, **fields):
    """Make a spec of conda `dependencies`; `python` and `fields` are as in the JSON file."""
    conda = {"condaDependencies": {"dependencies": list(dependencies or ["python=3.8"])}}
    return EnvironmentSpec.model_validate({"python": conda | (python or {}), **fields})


def resolved(**changes):
    """Make an environment that has something in every field."""
    fields = {
        "name": "mnist",
        "version": "7",
        "installer": "pip",
        "installer_reason": "the conda part asks for nothing but Python and pip",
        "base_image": "python:3.8-slim",
        "interpreter": "python3",
        "python_version": "3.8",
        "pip_requirement": "pip<24",
        "channels": ("conda-forge",),
        "conda_packages": ("python=3.8", "pip<24"),
        "pip_packages": (
            PipPackage(requirement="numpy>=1,<2"),
            PipPackage(requirement="azureml-defaults", replaced="the server serves in its place"),
            PipPackage(requirement="--pre"),
        ),
        "variables": (("GREETING", "hello"),),
    }
    return ResolvedEnvironment(**fields | changes)
