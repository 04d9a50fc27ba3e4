"""Stand-in for the namespace of azureml-ai-monitoring."""
