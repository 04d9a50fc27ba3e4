"""Stand-in for azureml-inference-server-http: raw HTTP requests."""

from scoredock_server.rawhttp import AMLRequest, rawhttp

__all__ = ["AMLRequest", "rawhttp"]
