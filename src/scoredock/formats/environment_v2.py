"""The environment of SDK and CLI v2: image, conda file or build context, in YAML or from REST."""

from pathlib import Path
from typing import Any, Final

from scoredock.errors import SpecError
from scoredock.formats.conda_part import conda_part, read_conda_file
from scoredock.formats.document import Document, read_text, refuse_placeholders
from scoredock.formats.environment_v1 import environment_v1
from scoredock.formats.reading import Findings, Reading, Told
from scoredock.formats.spelling import Shape, keys, respell, respelling_warning
from scoredock.formats.yaml_text import parse_yaml
from scoredock.spec import CondaDependencies, EnvironmentSpec, joined

ROUTES: Final = ("liveness_route", "readiness_route", "scoring_route")
# azure-ai-ml 1.35; `docker` and `path` are of its previews, contextUri and isAnonymous of REST.
SHAPE: Final[Shape] = {
    **keys(
        "$schema", "name", "version", "image", "conda_file", "description", "tags", "os_type",
        "properties", "path", "type", "is_anonymous", "is_archived", "auto_rebuild", "stage",
        "datastore", "id", "creation_context", "environment_type", "environment_variables",
    ),
    "docker": {"image": {}, "build": keys("dockerfile", "path")},
    "build": keys("path", "context_uri", "dockerfile_path"),
    "inference_config": {route: keys("path", "port") for route in ROUTES},
}  # fmt: skip


def read_environment_v2(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read an environment that stands alone."""
    data, path = document.data, ""
    if isinstance(data.get("properties"), dict) and not data.get("$schema"):
        data, path = {"name": data.get("name")} | data["properties"], "properties"
    spec, told, build_context = environment_v2(data, document, findings, path=path)
    return Reading(
        spec=spec,
        form="v2 environment",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
        told=told,
        build_context=build_context,
    )


def environment_v2(
    data: Any, document: Document, findings: Findings, *, path: str = ""
) -> tuple[EnvironmentSpec, Told, Path | None]:
    """Return the environment that stands at `path`, what its routes tell, and its build context."""
    data, written = respell(data, SHAPE)
    if path != "properties":  # REST spells in camelCase by right
        findings.warnings += respelling_warning(document.label, written)
    whole = joined(f"{document.label}: ", path) if path else f"{document.label}: "
    _check(data, whole, findings)
    image, build = data.get("image"), data.get("build")
    if isinstance(data.get("docker"), dict):
        image, build = image or data["docker"].get("image"), build or data["docker"].get("build")
    docker: dict[str, Any] = {"baseImage": image}
    build_context = None
    if build:
        if image:
            raise SpecError(
                "stands beside image, and only one of the two can be what the image is built from",
                path=joined(whole, "build"),
                hint="remove the one that you do not want",
            )
        build_context, docker = _build(build, joined(whole, "build"), document, findings)
    conda = _conda(data.get("conda_file"), joined(whole, "conda_file"), document, findings)
    if conda is None and not image and not build:
        raise SpecError(
            "expected image, conda_file or build, found none of them",
            path=whole.removesuffix(": "),
            hint="an environment in the cloud is saved with `az ml environment show --output yaml`",
        )
    python = {"userManagedDependencies": True} if conda is None else {"condaDependencies": conda}
    environment = {
        "name": data.get("name"),
        "version": data.get("version"),
        "python": python,
        "docker": docker,
        "environmentVariables": data.get("environment_variables"),
    }
    places = {
        canonical: joined(whole, there)
        for canonical, there in (
            ("name", "name"),
            ("version", "version"),
            ("docker.baseImage", "image" if data.get("image") else "docker.image"),
            ("docker.baseDockerfile", "build"),
            ("environmentVariables", "environment_variables"),
        )
    }
    return (
        environment_v1(environment, document, findings, places=places),
        _told(data),
        build_context,
    )


def _check(data: Any, whole: str, findings: Findings) -> None:
    if not isinstance(data, dict):
        raise SpecError(
            f"expected an environment, found {type(data).__name__}", path=whole.removesuffix(": ")
        )
    for key in data.keys() - SHAPE.keys():
        findings.warnings.append(f"{joined(whole, key)}: unknown key, ignored")
    for key in ("image", "conda_file", "build", "docker"):
        kinds = {"image": (str,), "conda_file": (str, dict)}.get(key, (dict,))
        value = data.get(key)
        if value is not None and not isinstance(value, kinds):
            expected = " or ".join("object" if kind is dict else "str" for kind in kinds)
            found = "object" if isinstance(value, dict) else type(value).__name__
            raise SpecError(f"expected {expected}, found {found}", path=joined(whole, key))
    build = data.get("build") or {}
    named = {key: data.get(key) for key in ("name", "version", "image", "conda_file")}
    named |= {f"build.{key}": build.get(key) for key in ("path", "dockerfile_path")}
    refuse_placeholders(
        (joined(whole, key), value) for key, value in named.items() if isinstance(value, str)
    )
    if str(data.get("os_type") or "linux").lower() != "linux":
        raise SpecError(f"expected linux, found {data['os_type']!r}", path=joined(whole, "os_type"))


def _build(
    build: dict[str, Any], place: str, document: Document, findings: Findings
) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a local build context, and its Dockerfile's text."""
    location = str(build.get("path") or build.get("context_uri") or ".")
    if "://" in location or location.startswith("git@"):
        raise SpecError(
            f"a build context elsewhere is not fetched, found {location!r}",
            path=place,
            hint="download it, and name the folder in build.path",
        )
    folder = document.beside(location)
    dockerfile = folder / str(
        build.get("dockerfile_path") or build.get("dockerfile") or "Dockerfile"
    )
    if not dockerfile.is_file():
        raise SpecError(
            f"expected a Dockerfile at {dockerfile}, found none",
            path=place,
            hint="set build.path to its folder, and build.dockerfile_path if it has another name",
        )
    findings.files.append(dockerfile)
    return folder, {"baseDockerfile": read_text(dockerfile)}


def _conda(
    conda_file: Any, place: str, document: Document, findings: Findings
) -> CondaDependencies | None:
    if conda_file is None:
        return None
    if isinstance(conda_file, str) and "\n" in conda_file:  # as REST has it
        conda_file, _ = parse_yaml(conda_file, document.path)
    if isinstance(conda_file, dict):
        return conda_part(
            conda_file, place=place, file=document.path, main=document.path, findings=findings
        )
    name = conda_file.removeprefix("file:")
    conda = read_conda_file(document.beside(name), main=document.path, findings=findings)
    if conda is None:
        raise SpecError(
            f"names {name!r}, which is not there",
            path=place,
            hint=f"put it at {document.beside(name)}, or name another",
        )
    return conda


def _told(data: dict[str, Any]) -> Told:
    routes = data.get("inference_config")
    settings = {}
    for route in ROUTES:
        found = routes.get(route) if isinstance(routes, dict) else None
        if isinstance(found, dict):
            settings[route.replace("_", " ")] = f":{found.get('port')}{found.get('path')}"
    return Told(settings=settings)
