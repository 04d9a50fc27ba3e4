"""Serve a model trained for Azure Machine Learning on hardware you own."""
