#!/usr/bin/env python3
"""Usage: python examples/tutorial/deploy.py [PORT [NAME]]

The tutorial of Azure Machine Learning, "run and deploy locally", with no cloud: deploy the model of
handwritten digits, score, update, and register a model that was trained again. What the tutorial
takes from its cloud workspace, prepare() registers first. Needs scikit-learn and joblib beside
scoredock. At the end the service is there still: `scoredock service delete sklearn-mnist-local`.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import joblib
import requests
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

# In the tutorial: from azureml.core import …, from azureml.core.model import …, and so on.
from scoredock.sdk import Environment, InferenceConfig, LocalWebservice, Model, Workspace

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "digits"


def prepare() -> None:
    """Make a workspace with a model and an environment, unless they are there."""
    ws = Workspace.create("tutorial", exist_ok=True)
    if "sklearn_mnist" not in ws.models:
        trained = DIGITS / "models" / "sklearn_mnist" / "1" / "sklearn_mnist_model.pkl"
        Model.register(workspace=ws, model_path=trained, model_name="sklearn_mnist")
    if "tutorial-env" not in ws.environments:
        env = Environment.from_conda_specification("tutorial-env", "conda_dependencies.yml")
        env.register(workspace=ws)


def deploy(port: int, name: str) -> LocalWebservice:
    """Deploy the model, score, and deploy it again, which takes no time."""
    ws = Workspace.from_config()
    model = Model(ws, "sklearn_mnist")

    env = Environment.get(workspace=ws, name="tutorial-env", version="1")
    inference_config = InferenceConfig(entry_script="score.py", environment=env)
    deployment_config = LocalWebservice.deploy_configuration(port=port)

    begun = time.monotonic()
    service = Model.deploy(
        workspace=ws,
        name=name,
        models=[model],
        inference_config=inference_config,
        deployment_config=deployment_config,
    )
    service.wait_for_deployment(show_output=True)
    first = time.monotonic() - begun
    print(service.scoring_uri)

    digit = (DIGITS / "sample-request.json").read_text()
    headers = {"Content-Type": "application/json"}
    answer = requests.post(service.scoring_uri, data=digit, headers=headers, timeout=30)
    print("the digit is", answer.json())

    begun = time.monotonic()
    service.update(models=[model], inference_config=inference_config)
    service.wait_for_deployment(show_output=True)
    print(f"deployed in {first:.1f} s, updated in {time.monotonic() - begun:.1f} s")
    return service


def work_with_the_environment(folder: Path) -> None:
    """Make the environment on this machine, and save it for editing by hand."""
    ws = Workspace.from_config()
    env = Environment.get(workspace=ws, name="tutorial-env")
    print("its packages are in", env.build_local(workspace=ws, useDocker=False))
    env.save_to_directory(folder / "tutorial-env")
    print("loaded", Environment.load_from_directory(folder / "tutorial-env"))
    print("the model is", Model(ws, "sklearn_mnist").download(target_dir=folder))


def train_and_register(folder: Path) -> None:
    """Train a model of diabetes, and register it."""
    ws = Workspace.from_config()
    x, y = load_diabetes(return_X_y=True)
    path = folder / "sklearn_diabetes_model.pkl"
    joblib.dump(Ridge(alpha=0.03).fit(x, y), path)
    model = Model.register(
        model_path=path,
        model_name="sklearn_diabetes",
        tags={"area": "diabetes", "type": "regression"},
        description="Ridge regression of the progression of diabetes",
        workspace=ws,
    )
    print(model.name, "is registered as version", model.version)


def main() -> None:
    """Do all of it, in a folder of its own for what is written."""
    given = dict(zip(("port", "name"), sys.argv[1:], strict=False))
    os.chdir(HERE)
    prepare()
    deploy(int(given.get("port", 6789)), given.get("name", "sklearn-mnist-local"))
    with tempfile.TemporaryDirectory() as folder:
        work_with_the_environment(Path(folder))
        train_and_register(Path(folder))
        train_and_register(Path(folder))


if __name__ == "__main__":
    main()
