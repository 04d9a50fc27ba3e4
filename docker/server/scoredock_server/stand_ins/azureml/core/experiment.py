"""Stand-in for azureml.core.experiment."""

from scoredock_server.stand_ins.cloud import cloud_class

Experiment = cloud_class("azureml.core.experiment.Experiment")

__all__ = ["Experiment"]
