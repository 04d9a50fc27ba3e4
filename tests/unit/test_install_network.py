"""docker/install/network.py: pip's configuration, for pip and for uv."""

import sys

import pytest

from .install import network


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No configuration of this machine: neither files nor variables."""
    for name in ("PIP_CERT", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT",
                 "PIP_EXTRA_INDEX_URL", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def uv_variables(tmp_path):
    """Return the variables that uv gets because of the text of a pip.conf."""

    def given(text, variables):
        config = tmp_path / "pip.conf"
        config.write_text(text or "\n")
        pip = network.pip_environment(str(config), "", "", str(tmp_path)) | variables
        return network.uv_environment(pip, network.pip_settings(pip, sys.executable), "")

    def read(text, **variables):
        # The machine's own pip.conf may say something too.
        without = given("", {})
        changed = given(text, variables).items() - without.items()
        return {name: value for name, value in changed if name not in variables}

    return read


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        (
            "[global]\nindex-url = https://user:p%40ss@index.example.com/simple\n",
            {"UV_DEFAULT_INDEX": "https://user:p%40ss@index.example.com/simple"},
        ),
        (
            "[global]\nextra-index-url =\n    https://a.example.com/simple\n"
            "    https://b.example.com/simple\n",
            {"UV_INDEX": "https://a.example.com/simple https://b.example.com/simple"},
        ),
        (
            "[install]\nfind-links = https://a.example.com/ https://b.example.com/\n",
            {"UV_FIND_LINKS": "https://a.example.com/,https://b.example.com/"},
        ),
        ("[global]\ntrusted-host = a b\n", {"UV_INSECURE_HOST": "a b"}),
        ("[global]\ntimeout = 61\n", {"UV_HTTP_TIMEOUT": "61"}),
        ("[global]\nretries = 2\n", {"UV_HTTP_RETRIES": "2"}),
        ("[global]\ncert = /etc/ca.pem\n", {"SSL_CERT_FILE": "/etc/ca.pem"}),
        ("[global]\npre = true\n", {"UV_PRERELEASE": "allow"}),
        ("[global]\npre = false\n", {}),
        (
            "[global]\nproxy = http://proxy.example.com:3128\n",
            {
                "HTTP_PROXY": "http://proxy.example.com:3128",
                "HTTPS_PROXY": "http://proxy.example.com:3128",
            },
        ),
        ("[global]\nno-cache-dir = true\n[list]\nformat = columns\n", {}),
    ],
)  # fmt: skip
def test_uv_gets_what_pip_conf_says(uv_variables, text, variables):
    assert uv_variables(text) == variables


def test_the_most_special_place_wins_as_with_pip(uv_variables):
    text = "[install]\nindex-url = https://b\n[global]\nindex-url = https://a\n"

    assert uv_variables(text)["UV_DEFAULT_INDEX"] == "https://b"
    assert uv_variables(text, PIP_INDEX_URL="https://c")["UV_DEFAULT_INDEX"] == "https://c"


def test_a_local_folder_that_is_not_there_is_passed_over_as_by_pip(uv_variables, tmp_path):
    (tmp_path / "wheels").mkdir()
    places = f"{tmp_path}/wheels file://{tmp_path}/wheels /none file:///none"

    found = uv_variables(f"[global]\nfind-links = {places}\n")

    assert found == {"UV_FIND_LINKS": f"{tmp_path}/wheels,file://{tmp_path}/wheels"}


def test_uv_looks_at_every_index_as_pip_does_and_at_no_file_of_its_own():
    variables = network.uv_environment({}, {}, "/cache")

    assert variables["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert variables["UV_NO_CONFIG"] == "1"
    assert variables["UV_CACHE_DIR"] == "/cache/uv"


@pytest.mark.parametrize("content", [None, b""])
def test_a_secret_that_is_absent_or_empty_changes_nothing(tmp_path, content):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)

    variables = network.pip_environment(str(path), str(path), "", str(tmp_path))

    assert variables["PIP_CONFIG_FILE"] == "/dev/null"
    assert "SSL_CERT_FILE" not in variables


def test_authorities_are_added_to_the_public_ones_for_every_program(tmp_path):
    own = tmp_path / "company.pem"
    own.write_text("-----BEGIN COMPANY-----")

    variables = network.pip_environment("", str(own), "/cache", str(tmp_path))

    bundle = tmp_path / "ca.pem"
    assert {variables[name] for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")} == {
        str(bundle)
    }
    assert bundle.read_text().endswith("-----BEGIN COMPANY-----\n")
    assert bundle.read_text().count("BEGIN CERTIFICATE") > 50
    assert variables["PIP_CACHE_DIR"] == "/cache/pip"


def test_a_python_path_of_the_host_is_not_seen(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    assert "PYTHONPATH" not in network.pip_environment("", "", "", str(tmp_path))
