"""The environment object of SDK v1, wherever it stands: alone, in an inference or a run config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from scoredock.errors import SpecError
from scoredock.formats.conda_part import conda_part, read_conda_file
from scoredock.formats.document import Document
from scoredock.formats.reading import Findings
from scoredock.formats.spelling import environment_shape, respell, respelling_warning
from scoredock.formats.validation import validate
from scoredock.problems import unknown_keys
from scoredock.spec import (
    CONDA_FILE,
    CondaDependencies,
    DockerSection,
    EnvironmentSpec,
    Origin,
    PythonSection,
    joined,
)


def environment_v1(
    data: Any,
    document: Document,
    findings: Findings,
    *,
    path: str = "",
    places: Mapping[str, str] | None = None,
) -> EnvironmentSpec:
    """Return the environment object that stands at `path` of the document; raises SpecError.

    `places` tells where fields were that a reader of another form has put into `data`.
    """
    data, written = respell(data, environment_shape())
    findings.warnings += respelling_warning(document.label, written)
    whole = joined(f"{document.label}: ", path) if path else f"{document.label}: "
    there = {inner: joined(whole, place) for inner, place in written.items()}
    origin = Origin({"": whole, **there, **(places or {})})
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key != "$schema"}
        data = _without_nulls(data, origin, findings)
        data = _with_conda_section(data, document, origin, findings)
    spec = validate(EnvironmentSpec, data, origin)
    findings.warnings += unknown_keys(spec, origin.where)
    if spec.docker and spec.docker.base_image and spec.docker.base_dockerfile:
        raise SpecError(
            f"stands beside {origin.where('docker.baseImage')}, and only one of the two can be "
            "what the image is built from",
            path=origin.where("docker.baseDockerfile"),
            hint="set the one that you do not want to null",
        )
    return spec.found_at(origin.places)


def _without_nulls(data: dict[str, Any], origin: Origin, findings: Findings) -> dict[str, Any]:
    """Read null as absent where the format has no null: a YAML section may hold only comments."""
    if "python" in data and data["python"] is None:
        findings.warnings.append(
            f"{origin.where('python')}: null, read as absent; the reference SDK fails on it"
        )
    result = dict(data)
    for section, model in (
        ("", EnvironmentSpec),
        ("python", PythonSection),
        ("docker", DockerSection),
    ):
        inner = result.get(section) if section else result
        if not isinstance(inner, dict):
            continue
        required = {
            field.alias
            for field in model.model_fields.values()
            if not _may_be_none(field.annotation)
        }
        kept = {
            key: value for key, value in inner.items() if value is not None or key not in required
        }
        result = result | {section: kept} if section else kept
    return result


def _may_be_none(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _with_conda_section(
    data: dict[str, Any], document: Document, origin: Origin, findings: Findings
) -> dict[str, Any]:
    python = data.get("python")
    if not isinstance(python, dict) or python.get("condaDependencies") is None:
        return data
    conda = conda_part(
        python["condaDependencies"],
        place=origin.where("python.condaDependencies"),
        file=document.path,
        main=document.path,
        findings=findings,
    )
    return data | {"python": python | {"condaDependencies": conda}}


def with_conda(
    spec: EnvironmentSpec,
    document: Document,
    findings: Findings,
    *,
    beside: bool = False,
    folders: tuple[Path, ...],
) -> EnvironmentSpec:
    """Return the spec with its conda part: `beside` it, in it, or in the file that it names.

    `folders` are where a relative `python.condaDependenciesFile` may start. Raises SpecError
    where there is no conda part and something has to be installed.
    """
    inline, named = spec.python.conda_dependencies, spec.python.conda_dependencies_file
    file = document.path.parent / CONDA_FILE
    conda = read_conda_file(file, main=document.path, findings=findings) if beside else None
    if conda and inline:
        findings.warnings.append(f"{CONDA_FILE} wins over {spec.where('python.condaDependencies')}")
    conda = conda or inline
    if named and conda:
        findings.warnings.append(
            f"{spec.where('python.condaDependenciesFile')}: {named!r} is not read, "
            f"since {conda.where('')} says what to install"
        )
    elif named:
        conda = _named_conda_file(named, spec, document, findings, folders)
    if conda is None and spec.model_fields_set <= {"name", "version", "asset_id"}:
        raise SpecError(
            f"holds no more than a name, of an environment of the cloud: {spec.name!r}",
            path=spec.where(""),
            hint="fetch it with Environment.get and save it with save_to_directory",
        )
    if conda is None and _needs_conda_part(spec):
        raise SpecError(
            f"not found, and {spec.where('python.condaDependencies')} is absent"
            if beside
            else "expected python.condaDependencies, found none",
            path=str(file) if beside else spec.where("python"),
            hint=_missing_hint(file) if beside else "write it, or set python.condaDependenciesFile",
        )
    python = spec.python.model_copy(update={"conda_dependencies": conda})
    return spec.model_copy(update={"python": python})


def _needs_conda_part(spec: EnvironmentSpec) -> bool:
    built_elsewhere = spec.docker is not None and spec.docker.build_context is not None
    return not (spec.python.user_managed_dependencies or built_elsewhere)


def _missing_hint(file: Path) -> str:
    """Name what looks like the missing file: `conda_dependencies (1).yml`, say."""
    similar = sorted(path.name for path in file.parent.glob("*conda*.y*ml") if path != file)
    if similar:
        return f"rename {similar[0]!r} if that is it"
    return "put the file there, or set python.userManagedDependencies to true"


def _named_conda_file(
    name: str,
    spec: EnvironmentSpec,
    document: Document,
    findings: Findings,
    folders: tuple[Path, ...],
) -> CondaDependencies | None:
    for path in dict.fromkeys(folder / name for folder in folders):
        conda = read_conda_file(path, main=document.path, findings=findings)
        if conda is not None:
            return conda
    if spec.python.user_managed_dependencies:
        return None
    raise SpecError(
        f"names {name!r}, which is not there",
        path=spec.where("python.condaDependenciesFile"),
        hint=f"put it into {' or '.join(str(folder) for folder in dict.fromkeys(folders))}",
    )
