"""Stand-in for azureml.core.environment."""

from scoredock_server.stand_ins.cloud import cloud_class

Environment = cloud_class("azureml.core.environment.Environment")

__all__ = ["Environment"]
