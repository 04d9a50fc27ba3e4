"""SIGHUP to the container of a plain stack."""

import json

import pytest

from serving import wait_until

pytestmark = pytest.mark.docker

SCRIPT = """\
import os
def init():
    global version
    folder = os.environ["AZUREML_MODEL_DIR"]
    version = int(open(os.path.join(folder, "model.txt")).read())
def run(raw_data): return [os.path.basename(folder_of()), version]
def folder_of(): return os.environ["AZUREML_MODEL_DIR"]
"""


def write_model(models, version, text):
    (models / "counted" / version).mkdir(parents=True)
    (models / "counted" / version / "model.txt").write_text(text)


def test_a_newer_model_is_served_after_sighup_and_one_that_is_no_use_is_not(
    scoredock, source, plain_spec, container, tmp_path
):
    models = tmp_path / "volume"
    write_model(models, "1", "10")
    (source / "score.py").write_text(SCRIPT)
    options = ["--spec", plain_spec, "--source", source, "--models", models]
    started = scoredock("up", *options)
    assert started.returncode == 0, started.stderr

    def hang_up(version, text):
        write_model(models, version, text)
        container().kill(signal="SIGHUP")

    def log():
        return container().logs().decode()

    def answer():
        return json.loads(scoredock("score", "-", stdin="1").stdout)

    assert answer() == ["1", 10]
    hang_up("2", "20")
    wait_until(lambda: "it serves from now on" in log(), log, within=60)
    assert answer() == ["2", 20]
    hang_up("3", "no number")
    wait_until(lambda: "What served before still does" in log(), log, within=60)
    assert answer() == ["2", 20]

    check = "/opt/scoredock/healthcheck.py"
    assert container().exec_run(["python", check, "/readyz"]).exit_code == 0
    asked = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:5001/readyz').read())"
    said = container().exec_run(["python", "-c", asked]).output.decode()
    assert "failed: the server ended with exit code 3" in said
