"""Stand-in for azureml.core.datastore."""

from scoredock_server.stand_ins.cloud import cloud_class

Datastore = cloud_class("azureml.core.datastore.Datastore")

__all__ = ["Datastore"]
