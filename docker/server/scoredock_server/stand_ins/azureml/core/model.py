"""Stand-in for azureml.core.model: get_model_path() works, the rest needs Azure."""

import os
from typing import Any, List, Optional

from azureml.exceptions import ModelNotFoundException, WebserviceException

from scoredock_server.stand_ins.cloud import CloudType, cloud_class

__all__ = ["InferenceConfig", "Model", "ModelPackage"]

MODELS = "azureml-models"

InferenceConfig = cloud_class("azureml.core.model.InferenceConfig")
ModelPackage = cloud_class("azureml.core.model.ModelPackage")


class ModelVersionNotFoundException(ModelNotFoundException, WebserviceException):
    """A model has no such version: both of what azureml-core documents and what it raises."""


class Model(metaclass=CloudType):
    """A registered model."""

    @staticmethod
    def get_model_path(
        model_name: str, version: Optional[int] = None, _workspace: Optional[Any] = None
    ) -> str:
        """Return the path of a model's one file or folder; `version` None is the newest.

        As azureml-core 1.61 does offline, it looks at AML_APP_ROOT/azureml-models/NAME/VERSION
        and then at NAME in the working directory, and beyond that at azureml-models there. The
        path is absolute if AML_APP_ROOT is one, and otherwise relative. Raises
        ModelNotFoundException, and WebserviceException where VERSION holds not exactly one entry.
        """
        if version is not None and not isinstance(version, int):
            raise WebserviceException("version: expected int, found {!r}".format(version))
        if model_name is None:
            raise WebserviceException("model_name: expected str, found None")
        registry = os.path.join(os.environ.get("AML_APP_ROOT", ""), MODELS)
        path = _find_registered(registry, model_name, version)
        if path is None and os.path.exists(model_name):
            path = model_name
        if path is None:
            path = _find_registered(MODELS, model_name, version)
        if path is None:
            raise _not_found(registry, model_name, version)
        return path


def _find_registered(registry: str, name: str, version: Optional[int]) -> Optional[str]:
    versions = _versions(registry, name)
    wanted = max(versions, default=None) if version is None else version
    if wanted not in versions:
        return None
    folder = os.path.join(registry, name, str(wanted))
    entries = os.listdir(folder)
    if len(entries) > 1:
        # A .gitkeep or .DS_Store beside the model is no second model.
        entries = [entry for entry in entries if not entry.startswith(".")]
    if len(entries) != 1:
        raise WebserviceException(
            "{}: expected one file or folder, the model, found {}".format(
                folder, ", ".join(sorted(entries)) or "nothing"
            )
        )
    return os.path.join(folder, entries[0])


def _versions(registry: str, name: str) -> List[int]:
    folder = os.path.join(registry, name)
    return sorted(
        int(entry)
        for entry in _folders(folder)
        if entry.isdigit() and entry == str(int(entry))  # 07 is not what str(7) finds
    )


def _folders(folder: str) -> List[str]:
    if not os.path.isdir(folder):
        return []
    return sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))


def _not_found(registry: str, name: str, version: Optional[int]) -> ModelNotFoundException:
    registry = os.path.abspath(registry)
    if os.path.isdir(os.path.join(registry, name)):
        versions = ", ".join(map(str, _versions(registry, name)))
        return ModelVersionNotFoundException(
            "model {} has no {} in {}: it has {}".format(
                name,
                "version" if version is None else "version {}".format(version),
                os.path.join(registry, name),
                "version {}".format(versions) if versions else "no folder named by a number",
            )
        )
    return ModelNotFoundException(
        "no model {} in {}, which holds {}, nor in the working directory {}"
        " (AZUREML_MODEL_DIR={})".format(
            name,
            registry,
            ", ".join(_folders(registry)) or "none",
            os.getcwd(),
            os.environ.get("AZUREML_MODEL_DIR", ""),
        )
    )
