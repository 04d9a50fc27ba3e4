"""The folder of an MLflow model: `MLmodel` with `conda.yaml`, `python_env.yaml` or requirements."""

import re
from typing import Any

from scoredock.errors import SpecError
from scoredock.formats.conda_part import read_conda_file
from scoredock.formats.document import Document, read_document
from scoredock.formats.reading import Findings, Reading, Told, environment_of
from scoredock.spec import CondaDependencies

_PYTHON = re.compile(r"\s*(?:\S+::)?python(?![\w.-])", re.IGNORECASE)
# The names that MLflow itself writes, by what they are.
_CONDA, _VIRTUALENV = "conda.yaml", "python_env.yaml"


def read(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read the environment that the model was logged with; conda.yaml before python_env.yaml."""
    flavors = document.data.get("flavors")
    function = flavors.get("python_function") if isinstance(flavors, dict) else None
    if not isinstance(function, dict):
        raise SpecError(
            "expected the flavor python_function, found "
            + (", ".join(map(str, flavors)) if isinstance(flavors, dict) and flavors else "none"),
            path=f"{document.label}: flavors",
            hint="scoredock serves Python: log the model with a flavor of it",
        )
    env = function.get("env")
    names = env if isinstance(env, dict) else {"conda": env}
    conda_file = document.beside(str(names.get("conda") or _CONDA))
    python_env = document.beside(str(names.get("virtualenv") or _VIRTUALENV))
    conda = read_conda_file(conda_file, main=document.path, findings=findings)
    if conda is None and python_env.is_file():
        conda = python_env(read_document(python_env), document.path, findings)
    if conda is None:
        raise SpecError(
            f"names the environment {conda_file.name}, which is not there",
            path=f"{document.label}: flavors.python_function.env",
            hint=f"download it into {document.path.parent}, beside {document.path.name}",
        )
    conda = _with_python(conda, function, document, findings)
    settings = {
        name: str(function[key])
        for key, name in (("loader_module", "loader"), ("model_path", "model file"))
        if isinstance(function.get(key), str)
    }
    return Reading(
        spec=environment_of(conda, label=document.label, name=conda.name),
        form="MLflow model",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        told=Told(model=str(document.path.parent), settings=settings),
    )


def _with_python(
    conda: CondaDependencies, function: dict[str, Any], document: Document, findings: Findings
) -> CondaDependencies:
    """Add the Python that the model was logged with where the conda file names none."""
    version = function.get("python_version")
    packages = [item for item in conda.dependencies if isinstance(item, str)]
    if any(_PYTHON.match(package) for package in packages) or not isinstance(version, str):
        return conda
    findings.warnings.append(
        f"{document.label}: python_version {version} is used, since the conda file names no Python"
    )
    changed = conda.model_copy(update={"dependencies": (*conda.dependencies, f"python={version}")})
    place = f"{document.label}: flavors.python_function.python_version"
    return changed.found_at({f"dependencies[{len(conda.dependencies)}]": place})
