import json
import subprocess

import pytest

from scoredock.paths import COMPOSE_FILE

SHOW = 'printf "%s|" "$SCOREDOCK_NETWORK" "$SCOREDOCK_APT_CONF" "${CA_FILE-}"'


@pytest.fixture
def evaluate(run, write_spec, digits):
    """Let a shell take the variables, and return what they are then."""
    spec = write_spec({"name": "x"}, "dependencies: [python=3.11]")

    def given(**variables):
        options = ["--spec", spec, "--source", digits]
        done = run("network", *options, **{"PIP_CONFIG": "/dev/null"} | variables)
        assert done.returncode == 0, done.stderr
        shell = ["sh", "-euc", f'eval "$1"; {SHOW}', "sh", done.stdout]
        shown = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        return [*shown.split("|")[:3], done.stderr]

    return given


def test_a_shell_gets_the_settings_with_any_character_in_them(evaluate, tmp_path):
    index = "https://user:it's$HOME\"@index.example.com/"
    mirrors = "http://deb.example.com=https://m.example.com"
    (tmp_path / "ca.pem").write_text("")

    network, apt, ca_file, _ = evaluate(
        NETWORK_PYTHON_INDEX=index,
        NETWORK_APT_MIRRORS=mirrors,
        CA_FILE=str(tmp_path / "ca.pem"),
    )

    assert json.loads(network) == {"python_index": index}
    assert apt.startswith("Dir::Bin::Methods::http ")
    assert ca_file == f"{tmp_path}/ca.pem"


def test_without_settings_what_an_earlier_call_has_set_is_emptied(evaluate):
    assert evaluate(CA_FILE="/dev/null", SCOREDOCK_NETWORK="old")[:2] == ["", ""]


def test_what_compose_cannot_take_is_said(evaluate):
    said = evaluate(
        CA_FILE="/dev/null",
        NETWORK_CA="-----BEGIN CERTIFICATE-----",
        NETWORK_REGISTRY_MIRRORS="docker.io=m.example.com",
        NETWORK_HTTPS_PROXY="http://p.example.com",
    )[-1]

    assert [word for word in ("CA_FILE", "docker tag", "config.json") if word not in said] == []


def test_compose_takes_every_secret_from_the_variable_that_is_printed():
    text = COMPOSE_FILE.read_text()

    for name in ("NETWORK", "APT_CONF", "APT_METHOD"):
        assert f"  {name.lower()}:\n    environment: SCOREDOCK_{name}\n" in text
