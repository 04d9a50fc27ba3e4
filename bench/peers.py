"""The other model servers that serve.py compares with: MLServer, BentoML, LitServe, MLflow.

Each is run as its documentation has it, with two workers; for the forest with its own batching.
"""

import json
import os
import subprocess

from load import ServerError
from servers import Server, Start
from workloads import Workload

LARGEST_BATCH = 64


class Mlserver(Server):
    """MLServer with its runtime for scikit-learn."""

    name = "MLServer"
    # Newer uvloops do not work with this version.
    requirements = ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop<0.22")
    note = "parallel_workers 2; forest with adaptive batching of 64 inputs within 5 ms."
    groups = ("linear", "forest")

    def command(self, start: Start) -> list[str]:
        ports = dict(zip(("http_port", "grpc_port", "metrics_port"), start.ports, strict=True))
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "debug": False,
            "parallel_workers": start.workers,
        }
        settings |= ports
        (start.folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        for path in (start.models / "models").glob("*.joblib"):
            model: dict[str, object] = {
                "name": path.stem,
                "implementation": "mlserver_sklearn.SKLearnModel",
                "parameters": {"uri": str(path)},
            }
            if start.group == "forest":
                model |= {"max_batch_size": LARGEST_BATCH, "max_batch_time": 0.005}
            folder = start.folder / path.stem
            folder.mkdir()
            (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
        return [str(self.bin / "mlserver"), "start", str(start.folder)]

    def path(self, workload: Workload) -> str:
        return f"/v2/models/{workload.columns}/infer"

    def body(self, rows: list[list[float]]) -> bytes:
        shape = [len(rows), len(rows[0])]
        values = [value for row in rows for value in row]
        tensor = {"name": "predict", "shape": shape, "datatype": "FP64", "data": values}
        return json.dumps({"inputs": [tensor]}).encode()

    def read(self, answer: bytes) -> list[int]:
        data: list[int] = json.loads(answer)["outputs"][0]["data"]
        return data


class Bentoml(Server):
    """A BentoML service that takes an array."""

    name = "BentoML"
    requirements = ("bentoml==1.4.40",)
    note = "workers=2; forest with batchable=True, max_batch_size=64, max_latency_ms=1000."
    groups = ("linear", "forest")

    SERVICE = """\
import pathlib, bentoml, joblib, numpy as np

@bentoml.service(workers={workers})
class Scorer:
    def __init__(self):
        paths = pathlib.Path({models!r}).glob("*.joblib")
        self.models = {{int(path.stem): joblib.load(path) for path in paths}}

    @bentoml.api(route="/score"{batching})
    def score(self, data: np.ndarray) -> np.ndarray:
        return self.models[data.shape[1]].predict(data)
"""

    def command(self, start: Start) -> list[str]:
        batching = f", batchable=True, max_batch_size={LARGEST_BATCH}, max_latency_ms=1000"
        service = self.SERVICE.format(
            workers=start.workers,
            models=str(start.models / "models"),
            batching=batching if start.group == "forest" else "",
        )
        (start.folder / "service.py").write_text(service, encoding="utf-8")
        command = [str(self.bin / "bentoml"), "serve", "service:Scorer", "--host", "127.0.0.1"]
        return [*command, "--port", str(start.ports[0])]

    def variables(self, start: Start) -> dict[str, str]:
        own = {"BENTOML_HOME": str(start.folder), "BENTOML_DO_NOT_TRACK": "True"}
        return {**super().variables(start), **own}


class Litserve(Server):
    """A LitServe API with its hooks for batches."""

    name = "LitServe"
    requirements = ("litserve==0.2.19",)
    note = "workers_per_device=2; forest with max_batch_size=64, batch_timeout=0.005."
    groups = ("linear", "forest")

    SERVICE = """\
import pathlib, joblib, litserve, numpy as np

class Scorer(litserve.LitAPI):
    def setup(self, device):
        paths = pathlib.Path({models!r}).glob("*.joblib")
        self.models = {{int(path.stem): joblib.load(path) for path in paths}}

    def decode_request(self, request):
        return np.array(request["data"])

    def batch(self, inputs):
        self.ends = np.cumsum([len(rows) for rows in inputs])
        return np.concatenate(inputs)

    def predict(self, rows):
        return self.models[rows.shape[1]].predict(rows)

    def unbatch(self, answers):
        return np.split(answers, self.ends[:-1])

    def encode_response(self, answers):
        return answers.tolist()

if __name__ == "__main__":
    api = Scorer(api_path="/score"{batching})
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device={workers})
    server.run(host="127.0.0.1", port={port}, generate_client_file=False, num_api_servers=1)
"""

    def command(self, start: Start) -> list[str]:
        batching = f", max_batch_size={LARGEST_BATCH}, batch_timeout=0.005"
        service = self.SERVICE.format(
            workers=start.workers,
            models=str(start.models / "models"),
            batching=batching if start.group == "forest" else "",
            port=start.ports[0],
        )
        (start.folder / "service.py").write_text(service, encoding="utf-8")
        return [str(self.bin / "python"), "service.py"]

    def variables(self, start: Start) -> dict[str, str]:
        return {**super().variables(start), "DO_NOT_TRACK": "1"}


class Mlflow(Server):
    """`mlflow models serve` of a pyfunc model."""

    name = "MLflow"
    requirements = ("mlflow==3.17.2",)
    note = "mlflow models serve --workers 2 --env-manager local of a pyfunc model."

    SAVE = """\
import sys, joblib, mlflow, numpy as np

class Scorer(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        paths = context.artifacts.items()
        self.models = {int(name): joblib.load(path) for name, path in paths}

    def predict(self, context, model_input, params=None):
        rows = np.asarray(model_input)
        return self.models[rows.shape[1]].predict(rows)

artifacts = dict(zip(sys.argv[2::2], sys.argv[3::2]))
mlflow.pyfunc.save_model(sys.argv[1], python_model=Scorer(), artifacts=artifacts,
                         pip_requirements=[])
"""

    def command(self, start: Start) -> list[str]:
        model = start.folder / "model"
        save = [str(self.bin / "python"), "-c", self.SAVE, str(model)]
        for path in (start.models / "models").glob("*.joblib"):
            save += [path.stem, str(path)]
        done = subprocess.run(save, capture_output=True, text=True, check=False, cwd=start.folder)
        if done.returncode:
            raise ServerError(f"the model cannot be saved: {done.stderr[-600:]}")
        command = [str(self.bin / "mlflow"), "models", "serve", "--model-uri", str(model)]
        command += ["--host", "127.0.0.1", "--port", str(start.ports[0])]
        return [*command, "--workers", str(start.workers), "--env-manager", "local"]

    def variables(self, start: Start) -> dict[str, str]:
        # It looks for uvicorn on PATH.
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
        return {**super().variables(start), **own}

    def path(self, workload: Workload) -> str:  # noqa: ARG002
        return "/invocations"

    def body(self, rows: list[list[float]]) -> bytes:
        return json.dumps({"inputs": rows}).encode()

    def read(self, answer: bytes) -> list[int]:
        predictions: list[int] = json.loads(answer)["predictions"]
        return predictions


PEERS = [Mlserver(), Bentoml(), Litserve(), Mlflow()]
