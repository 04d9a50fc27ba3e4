"""Stand-in for azureml-contrib-services."""

from scoredock_server.rawhttp import rawhttp

__all__ = ["rawhttp"]
