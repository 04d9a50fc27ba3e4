"""The servers that serve.py compares: how each is installed, started and asked."""

import json
from array import array
from dataclasses import dataclass, replace
from pathlib import Path

import packagers
from load import Request
from workloads import WORKLOADS, Workload, npy_header

LIBRARIES = ("joblib==1.5.2", "numpy>=2,<3", "scikit-learn==1.7.2")


@dataclass(frozen=True)
class Start:
    """What a server is started with: `models` is the folder of the group's models and script."""

    models: Path
    folder: Path  # of this server alone, to write to
    ports: list[int]
    workers: int = 2

    @property
    def group(self) -> str:
        """The name of the group."""
        return self.models.name


class Server:
    """A server; `note` says what is special about how it is run here."""

    name = ""
    environment = ""  # its folder, where that is not the name
    requirements: tuple[str, ...] = ()
    note = ""
    groups: tuple[str, ...] = ("linear",)

    def install(self, environments: Path) -> None:
        """Make its environment, unless it is there."""
        self.bin = environments / (self.environment or self.name.lower()) / "bin"
        packagers.install(self.bin.parent, (*self.requirements, *LIBRARIES))

    def command(self, start: Start) -> list[str]:
        """Write what the server reads, and return what starts it."""
        raise NotImplementedError

    def variables(self, start: Start) -> dict[str, str]:
        """Return the environment variables of the server."""
        return _one_thread(start)

    def request(self, workload: str, rows: list[list[float]], answer: list[int]) -> Request:
        """Return the request for these rows."""
        path = self.path(WORKLOADS[workload])
        return Request(path, self.body(rows), "application/json", answer)

    def path(self, workload: Workload) -> str:  # noqa: ARG002
        """Return where the request goes."""
        return "/score"

    def body(self, rows: list[list[float]]) -> bytes:
        """Return the rows as this server takes them."""
        return json.dumps({"data": rows}).encode()

    def read(self, answer: bytes) -> list[int]:
        """Return the predictions that an answer holds."""
        predictions: list[int] = json.loads(answer)
        return predictions


def _one_thread(start: Start) -> dict[str, str]:
    # The best for each peer: two workers, two cores. The MLP is served as shipped.
    return {} if start.group == "mlp" else {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Scoredock(Server):
    """This server, with the variables that its images have."""

    name = "scoredock"
    requirements = (
        f"-e{packagers.ROOT / 'docker' / 'server'}[fast,metrics]",
        "inference-schema>=1.7",
    )
    note = "SCOREDOCK_COMPATIBILITY=improved, as in images; typed is x-npy by a numpy schema."
    groups: tuple[str, ...] = ("linear", "typed", "forest", "mlp")

    def command(self, start: Start) -> list[str]:
        bind = f"127.0.0.1:{start.ports[0]}"
        return [str(self.bin / "python"), "-m", "scoredock_server", "--bind", bind]

    def variables(self, start: Start) -> dict[str, str]:
        return {
            "AML_APP_ROOT": str(start.models),
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": str(start.models / "models"),
            "WORKER_COUNT": str(start.workers),
            "SCOREDOCK_COMPATIBILITY": "improved",
            "PYTHONUNBUFFERED": "1",
        }

    def request(self, workload: str, rows: list[list[float]], answer: list[int]) -> Request:
        if workload != "typed":
            return super().request(workload, rows, answer)
        numbers = array("d", [number for row in rows for number in row]).tobytes()
        body = npy_header((len(rows), len(rows[0]))) + numbers
        return Request("/score", body, "application/x-npy", answer)


class Reference(Server):
    """azureml-inference-server-http; a script without a schema is its fastest for typed, too."""

    name = "reference"
    requirements = ("azureml-inference-server-http==1.5.1",)
    note = "azmlinfsrv 1.5.1 as shipped, but on loopback; typed is the JSON batch."
    groups: tuple[str, ...] = ("linear", "typed", "forest", "mlp")

    CODE = (
        "from azureml_inference_server_http import amlserver as server;"
        " server.DEFAULT_HOST = '127.0.0.1'; server.run()"
    )

    def command(self, start: Start) -> list[str]:
        models = self._models(start)
        command = [str(self.bin / "python"), "-c", self.CODE, "--port", str(start.ports[0])]
        command += ["--entry_script", str(models / "score.py"), "--model_dir"]
        return [*command, str(models / "models"), "--worker_count", str(start.workers)]

    def variables(self, start: Start) -> dict[str, str]:
        return {"AML_APP_ROOT": str(self._models(start)), **_one_thread(start)}

    def _models(self, start: Start) -> Path:
        return start.models.with_name("linear") if start.group == "typed" else start.models


class FlaskGunicorn(Server):
    """The entry script in the smallest Flask application, on gunicorn's threads."""

    name = "flask"
    requirements = ("flask", "gunicorn")
    note = "Flask and gunicorn alone: --worker-class gthread --threads 4."
    groups: tuple[str, ...] = ("linear", "forest", "mlp")

    APPLICATION = """\
import json, flask, score

score.init()
app = flask.Flask(__name__)

@app.post("/score")
def answer():
    text = json.dumps(score.run(flask.request.get_data(as_text=True)))
    return flask.Response(text, mimetype="application/json")
"""

    def command(self, start: Start) -> list[str]:
        (start.folder / "application.py").write_text(self.APPLICATION, encoding="utf-8")
        command = [str(self.bin / "gunicorn"), "--bind", f"127.0.0.1:{start.ports[0]}"]
        command += ["--workers", str(start.workers), "--worker-class", "gthread", "--threads", "4"]
        return [*command, "--no-control-socket", "application:app"]

    def variables(self, start: Start) -> dict[str, str]:
        model_dir = str(start.models / "models")
        paths = f"{start.folder}:{start.models}"
        return {"AZUREML_MODEL_DIR": model_dir, "PYTHONPATH": paths, **_one_thread(start)}


class Bare(FlaskGunicorn):
    """A constant answer: the least that a WSGI application can do."""

    name = "bare"
    environment = "flask"
    note = "reads the body and answers a constant, under the same gunicorn: a limit, no server."
    groups: tuple[str, ...] = ("linear",)

    APPLICATION = """\
def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "3")])
    return [b"[3]"]
"""

    def request(self, workload: str, rows: list[list[float]], answer: list[int]) -> Request:
        return replace(super().request(workload, rows, answer), answer=None)
