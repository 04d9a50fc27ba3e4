"""Stand-in for azureml-contrib-services: raw HTTP requests."""

from scoredock_server.rawhttp import AMLRequest, rawhttp

__all__ = ["AMLRequest", "rawhttp"]
