"""Stand-in for azureml.core.authentication."""

from scoredock_server.stand_ins.cloud import cloud_class

AzureCliAuthentication = cloud_class("azureml.core.authentication.AzureCliAuthentication")
InteractiveLoginAuthentication = cloud_class(
    "azureml.core.authentication.InteractiveLoginAuthentication"
)
MsiAuthentication = cloud_class("azureml.core.authentication.MsiAuthentication")
ServicePrincipalAuthentication = cloud_class(
    "azureml.core.authentication.ServicePrincipalAuthentication"
)
TokenAuthentication = cloud_class("azureml.core.authentication.TokenAuthentication")

__all__ = [
    "AzureCliAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]
