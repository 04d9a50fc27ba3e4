"""`inferenceconfig.json`: an entry script with an environment, or with older keys in its place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from scoredock.errors import SpecError
from scoredock.formats.document import Document, label_of, read_text
from scoredock.formats.environment_v1 import environment_v1, with_conda
from scoredock.formats.reading import Findings, Reading, Told
from scoredock.formats.spelling import keys, respell, respelling_warning
from scoredock.spec import DockerSection, EnvironmentSpec

# What the reference SDK reads (azureml-core 1.61), and `dependencies` of before.
_SHAPE: Final = keys(
    "entryScript", "sourceDirectory", "description", "environment", "runtime", "condaFile",
    "extraDockerfileSteps", "enableGpu", "cudaVersion", "baseImage", "baseImageRegistry",
    "schemaFile", "dependencies",
)  # fmt: skip
# Before there were environments: what each of these keys is in one.
_LEGACY: Final = {
    "condaFile": ("python", "condaDependenciesFile"),
    "baseImage": ("docker", "baseImage"),
    "baseImageRegistry": ("docker", "baseImageRegistry"),
    "enableGpu": ("docker", "gpuSupport"),
}


def read_inference_config(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read the environment, and where the entry script lies; paths start at sourceDirectory."""
    data, written = respell(document.data, _SHAPE)
    findings.warnings += respelling_warning(document.label, written)
    for key in data.keys() - _SHAPE.keys():
        findings.warnings.append(f"{document.label}: {key}: unknown key, ignored")
    _refuse_what_is_no_python(data, document)
    source = data.get("sourceDirectory") or ""
    folder = document.path.parent
    folders = (folder / str(source), folder)
    if data.get("environment") is not None:
        spec = environment_v1(
            data["environment"], document, findings, path=written.get("environment", "environment")
        )
        findings.warnings += [
            f"{document.label}: {written.get(key, key)} is set and has no effect beside "
            "environment: the reference SDK refuses one of the two"
            for key in (*_LEGACY, "extraDockerfileSteps")
            if data.get(key)
        ]
    else:
        spec = _legacy_environment(data, written, document, findings)
        spec = _with_steps(spec, data, written, document, findings, folders)
    spec = with_conda(spec, document, findings, folders=folders)
    entry_script = data.get("entryScript")
    return Reading(
        spec=spec,
        form="inference configuration",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        told=Told(
            entry_script=str(entry_script or ""),
            source=str(folder / str(source)),
        ),
        build_context=folder if spec.docker and spec.docker.base_dockerfile else None,
    )


def _refuse_what_is_no_python(data: dict[str, Any], document: Document) -> None:
    if data.get("environment") is None and data.get("runtime") not in (None, "python"):
        raise SpecError(
            f"expected python, found {data['runtime']!r}",
            path=f"{document.label}: runtime",
            hint="scoredock serves Python",
        )


def _legacy_environment(
    data: dict[str, Any], written: dict[str, str], document: Document, findings: Findings
) -> EnvironmentSpec:
    sections: dict[str, dict[str, Any]] = {"python": {}, "docker": {}}
    places = {}
    for key, (section, name) in _LEGACY.items():
        place = f"{document.label}: {written.get(key, key)}"
        places[f"{section}.{name}"] = place
        if data.get(key) is not None:
            sections[section][name] = data[key]
    for key in ("schemaFile", "dependencies", "cudaVersion"):
        if data.get(key):
            findings.warnings.append(
                f"{document.label}: {key} is set and has no effect: "
                "the whole source folder goes into the image"
            )
    if not data.get("condaFile"):
        raise SpecError(
            "expected an environment or condaFile, found neither",
            path=document.label,
            hint='name the conda file: "condaFile": "conda.yml"',
        )
    return environment_v1(sections, document, findings, places=places)


def _with_steps(
    spec: EnvironmentSpec,
    data: dict[str, Any],
    written: dict[str, str],
    document: Document,
    findings: Findings,
    folders: Sequence[Path],
) -> EnvironmentSpec:
    """Return the spec with the Dockerfile lines of extraDockerfileSteps, after a FROM of its image.

    The reference SDK sends them to the cloud, which runs them on top of the base image.
    """
    name = data.get("extraDockerfileSteps")
    if not name:
        return spec
    place = f"{document.label}: {written.get('extraDockerfileSteps', 'extraDockerfileSteps')}"
    file = next((folder / str(name) for folder in folders if (folder / str(name)).is_file()), None)
    if file is None:
        raise SpecError(
            f"names {name!r}, which is not there",
            path=place,
            hint=f"put it into {document.path.parent}, or set the key to null",
        )
    docker = spec.docker or DockerSection()
    text = f"FROM {docker.base_image or '${BASE_IMAGE}'}\n{read_text(file)}"
    findings.files.append(file)
    docker = docker.model_copy(update={"base_image": None, "base_dockerfile": text})
    places = {"docker.baseDockerfile": f"FROM and {label_of(file, document.path)}: "}
    return spec.model_copy(update={"docker": docker}).found_at(places)
