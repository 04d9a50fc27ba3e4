"""The reference SDK's way to register, deploy and update, with no cloud behind it.

from scoredock.sdk import Environment, InferenceConfig, LocalWebservice, Model, Workspace

Thin faces: registry.py and environments.py keep what is registered, webservice/ serves it. What
differs from the reference stands in docs/sdk-compatibility.md.
"""

from scoredock.sdk.conda_dependencies import CondaDependencies
from scoredock.sdk.deployment import LocalWebserviceDeploymentConfiguration
from scoredock.sdk.environment import Environment
from scoredock.sdk.environment_images import ImageBuildDetails, ImageDetails
from scoredock.sdk.environment_sources import DockerBuildContext
from scoredock.sdk.errors import (
    AzureMLException,
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)
from scoredock.sdk.inference_config import InferenceConfig
from scoredock.sdk.local_webservice import LocalWebservice
from scoredock.sdk.model import Model
from scoredock.sdk.package import ModelPackage
from scoredock.sdk.profile import ModelProfile
from scoredock.sdk.resource_configuration import ResourceConfiguration
from scoredock.sdk.sections import ContainerRegistry
from scoredock.sdk.webservice import Webservice
from scoredock.sdk.workspace import Workspace

__all__ = [
    "AzureMLException",
    "CondaDependencies",
    "ContainerRegistry",
    "DockerBuildContext",
    "Environment",
    "ImageBuildDetails",
    "ImageDetails",
    "InferenceConfig",
    "LocalWebservice",
    "LocalWebserviceDeploymentConfiguration",
    "Model",
    "ModelNotFoundException",
    "ModelPackage",
    "ModelPathNotFoundException",
    "ModelProfile",
    "ResourceConfiguration",
    "UserErrorException",
    "Webservice",
    "WebserviceException",
    "Workspace",
]
