"""Stand-in for azureml-inference-server-http: what is meant for entry scripts."""
