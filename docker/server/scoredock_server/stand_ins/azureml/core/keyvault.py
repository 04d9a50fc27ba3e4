"""Stand-in for azureml.core.keyvault."""

from scoredock_server.stand_ins.cloud import cloud_class

Keyvault = cloud_class("azureml.core.keyvault.Keyvault")

__all__ = ["Keyvault"]
