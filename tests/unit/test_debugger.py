import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from scoredock.debugger import Fetching, debugpy_for_prefix, pip_command, pip_variables
from scoredock.errors import EngineError
from scoredock.network import Network


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """An environment without debugpy, and a kit whose state lies in tmp_path."""
    monkeypatch.setenv("SCOREDOCK_STATE", str(tmp_path / "state"))
    folder = tmp_path / "prefix"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def test_the_wheel_for_any_machine_is_asked_for():
    command = pip_command("python", "3.6", Path("/t"))

    assert command[:4] == ["python", "-m", "pip", "install"]
    pairs = dict(pairwise(command))
    assert pairs["--python-version"] == "3.6"
    assert (pairs["--abi"], pairs["--platform"], pairs["--only-binary"]) == ("none", "any", ":all:")
    assert pairs["--target"] == "/t"


def test_what_the_network_settings_say_reaches_pip_and_no_command_line():
    network = Network(
        python_index="https://user:s3cr3t@index.example.com/simple",
        trusted_hosts=["a.example.com", "b.example.com"],
        https_proxy="http://proxy.example.com:3128",
    )

    variables = pip_variables(Fetching(network=network), Path("/ca.pem"))

    assert variables == {
        "PIP_INDEX_URL": "https://user:s3cr3t@index.example.com/simple",
        "PIP_TRUSTED_HOST": "a.example.com b.example.com",
        "PIP_CERT": "/ca.pem",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "https_proxy": "http://proxy.example.com:3128",
    }


def test_it_is_fetched_once_and_can_be_imported(prefix):
    told = []
    folder = debugpy_for_prefix(prefix, Fetching(), report=told.append)
    again = debugpy_for_prefix(prefix, Fetching(), report=told.append)

    asked = [prefix / "bin" / "python", "-c", "import debugpy; print(debugpy.__file__)"]
    found = subprocess.check_output(asked, env={"PYTHONPATH": str(folder)}, text=True)
    assert found.startswith(str(folder))
    assert again == folder
    assert told == ["fetching debugpy for Python {}.{}".format(*sys.version_info)]
    assert not [path for path in folder.parent.iterdir() if path != folder]


def test_where_the_environment_has_it_nothing_is_fetched(prefix):
    [packages] = prefix.glob("lib/python*/site-packages")
    (packages / "debugpy.py").touch()
    told = []

    folder = debugpy_for_prefix(prefix, Fetching(), report=told.append)

    assert list(folder.iterdir()) == told == []


def test_an_index_that_does_not_answer_is_told_with_the_way_out(prefix, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    with pytest.raises(EngineError, match="could not be fetched") as caught:
        debugpy_for_prefix(prefix, Fetching(), report=str)

    assert "add debugpy to the packages of the environment spec" in caught.value.hint
    assert any("debugpy" in line for line in caught.value.log)
