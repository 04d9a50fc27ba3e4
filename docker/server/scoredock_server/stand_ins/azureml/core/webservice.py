"""Stand-in for azureml.core.webservice."""

from scoredock_server.stand_ins.cloud import cloud_class

AciWebservice = cloud_class("azureml.core.webservice.AciWebservice")
AksEndpoint = cloud_class("azureml.core.webservice.AksEndpoint")
AksWebservice = cloud_class("azureml.core.webservice.AksWebservice")
LocalWebservice = cloud_class("azureml.core.webservice.LocalWebservice")
Webservice = cloud_class("azureml.core.webservice.Webservice")

__all__ = ["AciWebservice", "AksEndpoint", "AksWebservice", "LocalWebservice", "Webservice"]
