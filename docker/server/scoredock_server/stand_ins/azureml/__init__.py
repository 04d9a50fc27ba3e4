"""Stand-in for the namespace of the azureml packages."""
