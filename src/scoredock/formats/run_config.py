"""A run configuration (`.runconfig`): its environment; those of 2017 have another shape."""

from pathlib import Path
from typing import Final

from scoredock.errors import SpecError
from scoredock.formats.document import Document
from scoredock.formats.environment_v1 import environment_v1, with_conda
from scoredock.formats.reading import Findings, Reading
from scoredock.formats.spelling import keys, respell
from scoredock.spec import EnvironmentSpec

# What is read of it; all else concerns the job that it ran.
_SHAPE: Final = keys(
    "environment", "condaDependenciesFile", "environmentVariables", "runDefinition"
)
# The folders of a project that hold run configurations; paths in them start at the project.
_CONFIG_FOLDERS: Final = (".azureml", "aml_config")


def read_run_config(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read the environment, with the conda file that it names."""
    data, written = respell(document.data, _SHAPE)
    prefix = ""
    if isinstance(data.get("runDefinition"), dict):
        prefix = f"{written.get('runDefinition', 'runDefinition')}."
        data, written = respell(data["runDefinition"], _SHAPE)
    place = {key: prefix + written.get(key, key) for key in data}
    if data.get("environment") is not None:
        spec = environment_v1(data["environment"], document, findings, path=place["environment"])
    elif "condaDependenciesFile" in data:
        spec = _of_2017(data, place, document, findings)
    else:
        raise SpecError(
            "expected an environment, found none",
            path=document.label,
            hint="the run used one of the cloud: save that with Environment.save_to_directory",
        )
    folder = document.path.parent
    spec = with_conda(spec, document, findings, folders=_folders(folder))
    return Reading(
        spec=spec,
        form="run configuration",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        build_context=folder if spec.docker and spec.docker.base_dockerfile else None,
    )


def _folders(folder: Path) -> tuple[Path, Path]:
    resolved = folder.absolute()
    if resolved.name in _CONFIG_FOLDERS:
        return folder.parent if folder.name else resolved.parent, folder
    return folder, folder.parent


def _of_2017(
    data: dict[str, object], place: dict[str, str], document: Document, findings: Findings
) -> EnvironmentSpec:
    environment = {
        "python": {"condaDependenciesFile": data["condaDependenciesFile"]},
        "environmentVariables": data.get("environmentVariables"),
    }
    return environment_v1(
        environment,
        document,
        findings,
        places={
            "python.condaDependenciesFile": f"{document.label}: {place['condaDependenciesFile']}",
            "environmentVariables": f"{document.label}: "
            f"{place.get('environmentVariables', 'EnvironmentVariables')}",
        },
    )
