"""Scoring server for Azure Machine Learning entry scripts: Flask under gunicorn."""
