"""Stand-in for azureml.core: everything can be imported, get_model_path() works."""

from azureml.core.dataset import Dataset
from azureml.core.datastore import Datastore
from azureml.core.environment import Environment
from azureml.core.experiment import Experiment
from azureml.core.keyvault import Keyvault
from azureml.core.model import Model
from azureml.core.run import Run, get_run
from azureml.core.webservice import Webservice
from azureml.core.workspace import Workspace

from scoredock_server.stand_ins.cloud import CloudName, cloud_class

# Scripts print it; no release of azureml-core has this one.
VERSION = __version__ = "0+scoredock"

ComputeTarget = cloud_class("azureml.core.ComputeTarget")
ContainerRegistry = cloud_class("azureml.core.ContainerRegistry")
Image = cloud_class("azureml.core.Image")
LinkedService = cloud_class("azureml.core.LinkedService")
PrivateEndPoint = cloud_class("azureml.core.PrivateEndPoint")
PrivateEndPointConfig = cloud_class("azureml.core.PrivateEndPointConfig")
RunConfiguration = cloud_class("azureml.core.RunConfiguration")
ScriptRun = cloud_class("azureml.core.ScriptRun")
ScriptRunConfig = cloud_class("azureml.core.ScriptRunConfig")
SynapseWorkspaceLinkedServiceConfiguration = cloud_class(
    "azureml.core.SynapseWorkspaceLinkedServiceConfiguration"
)
attach_legacy_compute_target = CloudName("azureml.core.attach_legacy_compute_target")
diagnostic_log = CloudName("azureml.core.diagnostic_log")
is_compute_target_prepared = CloudName("azureml.core.is_compute_target_prepared")
prepare_compute_target = CloudName("azureml.core.prepare_compute_target")
remove_legacy_compute_target = CloudName("azureml.core.remove_legacy_compute_target")

__all__ = [
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Keyvault",
    "LinkedService",
    "Model",
    "PrivateEndPoint",
    "PrivateEndPointConfig",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "SynapseWorkspaceLinkedServiceConfiguration",
    "Webservice",
    "Workspace",
    "attach_legacy_compute_target",
    "diagnostic_log",
    "get_run",
    "is_compute_target_prepared",
    "prepare_compute_target",
    "remove_legacy_compute_target",
]
