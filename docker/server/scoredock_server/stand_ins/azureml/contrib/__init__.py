"""Stand-in for the namespace of the azureml-contrib packages."""
