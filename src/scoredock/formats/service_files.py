"""Tell which file says what of a service: v1's two configurations, v2's endpoint and deployment."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from scoredock.errors import SpecError
from scoredock.formats.deployment_v1 import read_v1
from scoredock.formats.deployment_v2 import read_deployment_v2
from scoredock.formats.detect import find_rule, look_at
from scoredock.formats.document import Document, read_document, read_documents
from scoredock.formats.inference_config import read_inference_config
from scoredock.formats.online_v2 import inner_deployments, is_endpoint, read_online
from scoredock.formats.service_reading import Said, ServiceReading

_INFERENCE: Final = "inference configuration"
_CONFIG: Final = "deployment configuration"
_ENDPOINT: Final = "endpoint"
_DEPLOYMENT: Final = "deployment"
# What v1's command line called its files.
_BESIDE: Final = "deploymentconfig.json"
_FORMS: Final = (
    "known are inferenceconfig.json with deploymentconfig.json, and the YAML of a v2 endpoint and "
    "deployment"
)


def read_service(
    paths: Sequence[Path], said: Said, *, given: Collection[str] = ()
) -> ServiceReading:
    """Read the one service that the files tell of, in whatever order they are named.

    What is in `given`, of `environment`, `source` and `models`, is asked for elsewhere and not
    read. Raises SpecError, with the place, at the first thing that is wrong.
    """
    found: dict[str, list[Document]] = {}
    for document in (document for path in paths for document in read_documents(path)):
        found.setdefault(_kind(document), []).append(document)
    for endpoint in found.get(_ENDPOINT, []):
        if inner := inner_deployments(endpoint):
            found.setdefault(_DEPLOYMENT, []).extend(inner)
    _refuse_several(found)
    main = {kind: documents[0] for kind, documents in found.items()}
    if _INFERENCE in main:
        config = main.get(_CONFIG) or _config_beside(main[_INFERENCE], said)
        return read_v1(main[_INFERENCE], config, said, given=given)
    if _DEPLOYMENT in main:
        return read_online(main[_DEPLOYMENT], main.get(_ENDPOINT), said, given=given)
    if not main:
        raise SpecError("holds nothing", path=str(paths[0]), hint=_FORMS)
    [(kind, document)] = main.items()
    missing = {_ENDPOINT: "deployment.yml", _CONFIG: "inferenceconfig.json"}[kind]
    what = "inference configuration" if kind == _CONFIG else "deployment"
    raise SpecError(
        f"a{'n' if kind == _ENDPOINT else ''} {kind}, which says nothing of what is to be served",
        path=document.label,
        hint=f"name the file of the {what} as well: -f {missing}",
    )


def _kind(document: Document) -> str:
    data = document.data
    if isinstance(data, dict):
        if look_at(data).has("computetype"):
            return _CONFIG
        if look_at(data).has("endpointname", "codeconfiguration"):
            return _DEPLOYMENT
        try:
            reader = find_rule(document).read
        except SpecError:
            reader = None
        if reader is read_inference_config:
            return _INFERENCE
        if reader is read_deployment_v2:
            return _ENDPOINT if is_endpoint(document) else _DEPLOYMENT
        if reader is not None:
            raise SpecError(
                "an environment or a model, which says nothing of what is to be served",
                path=document.label,
                hint="pass it with --environment or --model; " + _FORMS,
            )
    raise SpecError("not a form of a deployment", path=document.label, hint=_FORMS)


def _refuse_several(found: dict[str, list[Document]]) -> None:
    """Raise SpecError for two of a kind, and for files of v1 and v2 together."""
    for kind, documents in found.items():
        if len(documents) > 1:
            labels = ", ".join(document.label for document in documents)
            raise SpecError(
                f"expected one {kind}, found {len(documents)}: {labels}",
                path=documents[-1].label,
                hint="deploy one after the other, each with a command of its own",
            )
    v1, v2 = ([kind for kind in kinds if kind in found] for kinds in (_OF_V1, _OF_V2))
    if v1 and v2:
        raise SpecError(
            f"stands beside {found[v1[0]][0].label}: one is of v1, the other of v2",
            path=found[v2[0]][0].label,
            hint="name the files of one of the two",
        )


_OF_V1: Final = (_INFERENCE, _CONFIG)
_OF_V2: Final = (_ENDPOINT, _DEPLOYMENT)


def _config_beside(document: Document, said: Said) -> Document | None:
    folder = document.path.parent
    for path in sorted(folder.iterdir()):
        if path.name.lower() == _BESIDE and path.is_file():
            said.notes.append(f"{path.name} beside {document.label} is read")
            return read_document(path)
    return None
