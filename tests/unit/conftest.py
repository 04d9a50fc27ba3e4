import json
import os
import subprocess

import pytest

from support import SCOREDOCK, SETTINGS


@pytest.fixture
def write_spec(tmp_path):
    """Make a spec folder; a mapping becomes JSON, text and bytes are written as they are."""

    def write(environment, conda=None):
        folder = tmp_path / "environment"
        folder.mkdir()
        if isinstance(environment, dict | list):
            environment = json.dumps(environment)
        for name, content in (
            ("azureml_environment.json", environment),
            ("conda_dependencies.yml", conda),
        ):
            if content is not None:
                content = content.encode() if isinstance(content, str) else content
                (folder / name).write_bytes(content)
        return folder

    return write


@pytest.fixture
def digits(tmp_path):
    """Make the smallest source folder that can be served: an entry script and a model."""
    source = tmp_path / "digits"
    (source / "models" / "digits" / "1").mkdir(parents=True)
    (source / "models" / "digits" / "1" / "model.pkl").write_bytes(b"model")
    (source / "score.py").write_text("def init(): ...\ndef run(data): return data\n")
    return source


@pytest.fixture
def run(tmp_path):
    """Run the command where neither .env nor the tests' own environment sets anything."""
    settings = dict.fromkeys(SETTINGS, "") | {
        "SCOREDOCK_STATE": str(tmp_path / "state"),
        "DOCKER_HOST": "unix:///nonexistent.sock",
    }

    def command(*arguments, **variables):
        return subprocess.run(
            [SCOREDOCK, *map(str, arguments)],
            env=os.environ | settings | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return command


@pytest.fixture
def render(run, write_spec, digits):
    """Render one spec, as many times as the test likes, with one source folder."""
    folder = write_spec(
        '{"name": "x", "python": {"condaDependencies": {"dependencies": ["python=3.11"]}}}'
    )

    def command(*arguments, **variables):
        return run("render", "--spec", folder, "--source", digits, *arguments, **variables)

    return command, folder
