"""Serve a model trained for Azure Machine Learning on hardware you own."""

__version__ = "0.1.0"
