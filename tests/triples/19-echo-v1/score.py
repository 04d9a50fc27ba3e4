"""Entry script: says what it was sent, in the shape of a first try without a model."""

import json


def init():
    """Nothing to load."""


def run(data):
    """Return a text, which the server writes as a JSON string."""
    return f"test is {json.loads(data)}"
