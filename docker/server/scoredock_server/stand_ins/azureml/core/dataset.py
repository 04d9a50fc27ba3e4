"""Stand-in for azureml.core.dataset."""

from scoredock_server.stand_ins.cloud import cloud_class

Dataset = cloud_class("azureml.core.dataset.Dataset")

__all__ = ["Dataset"]
