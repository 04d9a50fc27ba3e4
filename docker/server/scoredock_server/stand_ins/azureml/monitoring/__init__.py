"""Stand-in for azureml-monitoring: the data collector of SDK v1."""

from azureml.monitoring.modeldatacollector import ModelDataCollector

__all__ = ["ModelDataCollector"]
