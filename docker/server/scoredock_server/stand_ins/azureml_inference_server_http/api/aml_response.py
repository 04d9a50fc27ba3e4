"""Stand-in for azureml-inference-server-http: raw HTTP responses."""

from scoredock_server.rawhttp import AMLResponse

__all__ = ["AMLResponse"]
