"""Stand-in for azureml-contrib-services: raw HTTP responses."""

from scoredock_server.rawhttp import AMLResponse

__all__ = ["AMLResponse"]
