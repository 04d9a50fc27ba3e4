"""Stand-in for azureml.core.workspace."""

from scoredock_server.stand_ins.cloud import cloud_class

Workspace = cloud_class("azureml.core.workspace.Workspace")

__all__ = ["Workspace"]
