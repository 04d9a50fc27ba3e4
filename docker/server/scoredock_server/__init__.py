"""Scoring server for Azure Machine Learning entry scripts: Flask under gunicorn."""

__version__ = "0.1.0"
