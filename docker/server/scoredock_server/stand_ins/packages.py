"""Which package provides an azureml module that we have no stand-in for."""

import os
import sys
from typing import Dict, Optional

_FOLDER = os.path.dirname(os.path.abspath(__file__))

# By the beginning of a module's name; the longest that fits counts. Of a namespace that several
# packages share it is the one that entry scripts need, which installs the others.
PACKAGES: Dict[str, str] = {
    "azureml": "",
    "azureml.accel": "azureml-accel-models",
    "azureml.ai": "azureml-ai-monitoring",
    "azureml.api": "azureml-model-management-sdk",
    "azureml.automl": "azureml-train-automl-runtime",
    "azureml.automl.core": "azureml-automl-core",
    "azureml.automl.runtime": "azureml-automl-runtime",
    "azureml.contrib": "",
    "azureml.contrib.fairness": "azureml-contrib-fairness",
    "azureml.contrib.services": "azureml-contrib-services",
    "azureml.core": "azureml-core",
    "azureml.data": "azureml-core",
    "azureml.datadrift": "azureml-datadrift",
    "azureml.dataprep": "azureml-dataprep",
    "azureml.evaluate": "azureml-evaluate-mlflow",
    "azureml.exceptions": "azureml-core",
    "azureml.explain": "azureml-explain-model",
    "azureml.featurestore": "azureml-featurestore",
    "azureml.fsspec": "azureml-fsspec",
    "azureml.history": "azureml-core",
    "azureml.interpret": "azureml-interpret",
    "azureml.metrics": "azureml-metrics",
    "azureml.mlflow": "azureml-mlflow",
    "azureml.monitoring": "azureml-monitoring",
    "azureml.opendatasets": "azureml-opendatasets",
    "azureml.pipeline": "azureml-pipeline",
    "azureml.responsibleai": "azureml-responsibleai",
    "azureml.telemetry": "azureml-telemetry",
    "azureml.tensorboard": "azureml-tensorboard",
    "azureml.train": "azureml-train-core",
    "azureml.train.automl": "azureml-train-automl-runtime",
    "azureml.training.tabular": "azureml-training-tabular",
    "azureml.widgets": "azureml-widgets",
    "azureml_inference_server_http": "azureml-inference-server-http",
}


def is_stood_in_for(module: str) -> bool:
    """Tell whether `module` has a name that stand-ins are looked up for."""
    return module.split(".")[0] in ("azureml", "azureml_inference_server_http")


def add_hint(package: str) -> str:
    """Return what to do to have the real `package`: the end of a message."""
    return "add {0} to the environment spec, and pass --keep {0} if scoredock replaces it".format(
        package
    )


def explain(error: ImportError) -> Optional[str]:
    """Return one line that says which package has what could not be imported.

    None for an error that is not about an azureml module which is missing or a stand-in.
    """
    module = error.name or ""
    if not is_stood_in_for(module):
        return None
    package = find_package(module)
    hint = add_hint(package or "PACKAGE")
    if not isinstance(error, ModuleNotFoundError):
        # An installed module that lacks a name is a matter of its version, not ours.
        return "{}: {} is a stand-in: {}".format(error, module, hint) if _is_ours(module) else None
    if not package:
        return "{} is in no package that scoredock knows: find out which, {}".format(module, hint)
    return "{} is not installed, and {} brings it: {}".format(module, package, hint)


def find_package(module: str) -> str:
    """Return the package that provides `module`; empty if that is not known."""
    prefix = module
    while prefix not in PACKAGES:
        prefix = prefix.rpartition(".")[0]
    return PACKAGES[prefix]


def _is_ours(module: str) -> bool:
    origin = getattr(sys.modules.get(module), "__file__", None) or ""
    return origin.startswith(_FOLDER + os.sep)
