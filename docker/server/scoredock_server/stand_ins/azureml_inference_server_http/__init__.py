"""Stand-in for azureml-inference-server-http, as far as entry scripts import it."""
