"""Tell the form of a file from what it holds, and which file of a folder is the spec."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from scoredock.errors import SpecError
from scoredock.formats.conda_file import read_conda
from scoredock.formats.deployment_v2 import read_deployment_v2
from scoredock.formats.document import Document, read_document, read_text
from scoredock.formats.environment_v2 import read_environment_v2
from scoredock.formats.inference_config import read_inference_config
from scoredock.formats.mlflow_model import read_mlflow_model, read_python_env
from scoredock.formats.reading import Findings, Reading
from scoredock.formats.requirements import read_requirements
from scoredock.formats.run_config import read_run_config
from scoredock.formats.saved_folder import read_saved_folder
from scoredock.formats.spelling import squashed
from scoredock.spec import GENERATED, SPEC_FILE

MLFLOW_FILE: Final = "MLmodel"
_TEXT: Final = (".txt", ".in", ".pip")
# A folder may hold data, too: a file beyond this is looked at only where it is named.
_MOST_BYTES: Final = 100_000
_STRUCTURED: Final = (".json", ".yml", ".yaml", ".runconfig")


class Reader(Protocol):
    """Reads a document of one form; raises SpecError."""

    def __call__(self, document: Document, findings: Findings, *, reason: str) -> Reading:
        """Return the spec, with all that was found."""


class Look(NamedTuple):
    """What a form is told from: a file's suffix, what it holds, and its keys without case."""

    suffix: str
    data: dict[str, Any]
    keys: set[str]

    def has(self, *keys: str) -> bool:
        """Tell whether one of the keys stands there, in whatever spelling."""
        return bool(self.keys & set(keys))

    def follows(self, schema: str) -> bool:
        """Tell whether $schema says so."""
        return schema in str(self.data.get("$schema", "")).lower()

    def section(self, key: str) -> "Look":
        """Return a look at the mapping under a key, which is empty where there is none."""
        found = next((value for name, value in self.data.items() if squashed(name) == key), None)
        return look_at(found if isinstance(found, dict) else {})

    def is_v1(self) -> bool:
        """Tell an environment of v1; previews of v2 have `docker`, too, but for an image."""
        docker = self.section("docker")
        v1_docker = ("baseimage", "basedockerfile", "enabled", "arguments", "sharedvolumes")
        return bool(self.section("python").data) or docker.has(*v1_docker)


def look_at(data: dict[str, Any], suffix: str = "") -> Look:
    """Return what can be told of a mapping at a glance."""
    return Look(suffix, data, {squashed(key) for key in data})


class Rule(NamedTuple):
    """A form, and how it is told from the others: the first rule that holds counts."""

    read: Reader
    holds: Callable[[Look], bool]
    reason: str


RULES: Final = (
    Rule(read_mlflow_model, lambda look: look.has("flavors"), "it has flavors"),
    Rule(
        read_inference_config,
        lambda look: look.has("entryscript") or {"runtime", "condafile"} <= look.keys,
        "it names an entry script, or a runtime with a conda file",
    ),
    Rule(
        read_run_config,
        lambda look: (
            look.suffix == ".runconfig"
            or look.has("rundefinition", "condadependenciesfile")
            or look.section("environment").is_v1()
        ),
        "it has the keys of a run, and an environment of v1 in it",
    ),
    Rule(
        read_saved_folder,
        lambda look: (
            look.is_v1()
            or (
                look.has("inferencingstackversion", "environmentvariables")
                and not look.has("image", "condafile", "endpointname", "environment", "build")
            )
        ),
        "it has the sections of an environment of v1",
    ),
    Rule(
        read_deployment_v2,
        lambda look: (
            look.follows("deployment")
            or look.follows("endpoint")
            or look.has("codeconfiguration", "endpointname", "deployments", "authmode")
        ),
        "its $schema or its keys are those of a deployment",
    ),
    Rule(
        read_environment_v2,
        lambda look: (
            look.follows("environment.schema")
            or look.has("image", "condafile", "build", "docker")
            or look.section("properties").has("image", "condafile")
        ),
        "its $schema or its keys are those of an environment of v2",
    ),
    Rule(
        read_python_env,
        lambda look: look.has("builddependencies") or {"python", "dependencies"} <= look.keys,
        "it names a Python and what is installed into it, as MLflow's python_env.yaml does",
    ),
    Rule(
        read_conda,
        lambda look: look.has("dependencies", "channels"),
        "it has dependencies, as a conda file",
    ),
)


def read_file(path: Path, findings: Findings) -> Reading:
    """Read one file in whatever form it is; raises SpecError."""
    if path.suffix in _TEXT:
        document = Document(path, path.name, read_text(path), None)
        return read_requirements(
            document, findings, reason=f"its name ends in {path.suffix}, as requirements files do"
        )
    document = read_document(path, hint="name a file or a folder that is there")
    findings.files.append(path)
    findings.warnings += document.warnings
    if path.name == SPEC_FILE:
        return read_saved_folder(document, findings, reason=f"its name is {SPEC_FILE}")
    rule = find_rule(document)
    return rule.read(document, findings, reason=rule.reason)


def find_rule(document: Document) -> Rule:
    """Return the first rule that holds; raises SpecError where none does."""
    data = document.data
    if not isinstance(data, dict):
        found = "nothing" if data is None else _KINDS.get(type(data), "a value")
        raise SpecError(f"expected an environment, found {found}", path=document.label, hint=_FORMS)
    look = look_at(data, document.path.suffix)
    for rule in RULES:
        if rule.holds(look):
            return rule
    shown = ", ".join(sorted(map(str, data))[:6]) or "no key"
    raise SpecError(
        f"not a form of an environment: found {shown}", path=document.label, hint=_FORMS
    )


_KINDS: Final = {str: "text", list: "a list", bool: "true or false"}
_FORMS: Final = (
    f"known are {SPEC_FILE}, inferenceconfig.json, a .runconfig, v2 environments and deployments, "
    "conda files, requirements.txt and MLflow models"
)


def find_in_folder(folder: Path) -> Path:
    """Return the file of a folder that is its spec.

    Raises SpecError where there is none, and where there are several that no other one names.
    """
    for name in (SPEC_FILE, MLFLOW_FILE):
        if (folder / name).is_file():
            return folder / name
    candidates = [path for path in sorted(folder.iterdir()) if _may_be_spec(path)]
    named = set().union(*(_named_files(path) for path in candidates), set())
    candidates = [path for path in candidates if path.resolve() not in named]
    if not candidates:
        raise SpecError(
            "not found", path=str(folder / SPEC_FILE), hint="name the file or folder with --spec"
        )
    if len(candidates) > 1:
        raise SpecError(
            f"expected one spec, found {', '.join(path.name for path in candidates)}",
            path=str(folder),
            hint="name the file itself, not the folder",
        )
    return candidates[0]


def _may_be_spec(path: Path) -> bool:
    if not path.is_file() or path.name.startswith("."):
        return False
    if path.suffix in _TEXT:
        return path.name.startswith(("requirements", "conda"))
    if path.suffix not in _STRUCTURED or path.stat().st_size > _MOST_BYTES:
        return False
    try:
        document = read_document(path)
        find_rule(document)
    except SpecError:
        # One that cannot be read may well be it: the error is better than its absence.
        return path.suffix == ".runconfig" or "conda" in path.name or "env" in path.name
    return not document.text.startswith(GENERATED)


def _named_files(path: Path) -> set[Path]:
    """Return what a candidate reads beside itself: those are no candidates."""
    findings = Findings()
    with suppress(SpecError):
        read_file(path, findings)
    return {file.resolve() for file in findings.files if file != path}
