"""A folder that `Environment.save_to_directory` wrote, and every other v1 environment in JSON."""

from pathlib import Path

from scoredock.errors import SpecError
from scoredock.formats.document import Document, read_text
from scoredock.formats.environment_v1 import environment_v1, with_conda
from scoredock.formats.reading import Findings, Reading, Told
from scoredock.spec import DOCKERFILE, SPEC_FILE, DockerSection, EnvironmentSpec


def read_saved_folder(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read `azureml_environment.json` with `conda_dependencies.yml` and `BaseDockerfile` beside."""
    spec = environment_v1(document.data, document, findings)
    spec = _with_dockerfile(spec, document.path.parent / DOCKERFILE, findings)
    folder = document.path.parent
    spec = with_conda(spec, document, findings, beside=True, folders=(folder, folder.parent))
    has_dockerfile = spec.docker is not None and spec.docker.base_dockerfile
    return Reading(
        spec=spec,
        form="saved environment" if document.path.name == SPEC_FILE else "environment in JSON",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        told=told_by_variables(spec),
        build_context=folder if has_dockerfile else None,
    )


def told_by_variables(spec: EnvironmentSpec) -> Told:
    """Return the entry script that the environment variables name, as some real specs do."""
    variables = spec.environment_variables or {}
    return Told(
        entry_script=str(variables.get("AZUREML_ENTRY_SCRIPT") or ""),
        source=str(variables.get("AZUREML_SOURCE_DIRECTORY") or ""),
    )


def _with_dockerfile(spec: EnvironmentSpec, file: Path, findings: Findings) -> EnvironmentSpec:
    if not file.is_file():
        return spec
    docker = spec.docker or DockerSection()
    if docker.base_image:
        # The reference SDK forgets the image: after a save over an older one, the wrong one.
        raise SpecError(
            f"stands beside {spec.where('docker.baseImage')}, and only one of the two can be what "
            "the image is built from",
            path=file.name,
            hint=f"remove {file.name}, or set docker.baseImage to null",
        )
    if docker.base_dockerfile:
        findings.warnings.append(f"{file.name} wins over {spec.where('docker.baseDockerfile')}")
    text = read_text(file)
    findings.files.append(file)
    docker = docker.model_copy(update={"base_dockerfile": text})
    places = {"docker.baseDockerfile": f"{file.name}: "}
    return spec.model_copy(update={"docker": docker}).found_at(places)
