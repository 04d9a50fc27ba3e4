"""What the reference SDK reads: run by against_sdk.py, with a Python that has azureml-core.

Reads a JSON list of [kind, path] from standard input and prints, by path, what the environment
installs, or the error. Everything is read offline.
"""

import json
import logging
import sys
import warnings
from pathlib import Path

from azureml.core import Environment, RunConfiguration


def saved(path):
    return Environment.load_from_directory(path.rpartition("/")[0])


def in_json(path):
    # What load_from_directory does with the file's content.
    return Environment._deserialize_and_add_to_object(json.loads(Path(path).read_text("utf-8")))


def inference(path):
    config = json.loads(Path(path).read_text("utf-8"))
    if config.get("environment"):
        return Environment._deserialize_and_add_to_object(config["environment"])
    # What Model.deploy does with the keys of before (_model_management/_util.py).
    return conda("/".join([path.rpartition("/")[0], config["condaFile"]]))


def run(path):
    return RunConfiguration.load(path).environment


def conda(path):
    return Environment.from_conda_specification("x", path)


def requirements(path):
    return Environment.from_pip_requirements("x", path)


KINDS = {
    "saved": saved,
    "in_json": in_json,
    "inference": inference,
    "run": run,
    "conda": conda,
    "requirements": requirements,
}


def read(kind, path):
    try:
        environment = KINDS[kind](path)
        python = environment.python
        if python.conda_dependencies is None:
            return {"user_managed": python.user_managed_dependencies}
        found = python.conda_dependencies.as_dict()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return {
        "user_managed": python.user_managed_dependencies,
        "channels": found.get("channels") or [],
        "dependencies": found.get("dependencies") or [],
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    out, sys.stdout = sys.stdout, sys.stderr  # the SDK prints
    asked = json.load(sys.stdin)
    json.dump({path: read(kind, path) for kind, path in asked}, out, default=str)
