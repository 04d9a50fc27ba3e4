import json
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner
from keyring.backends.null import Keyring

from scoredock.errors import SpecError
from scoredock.logins import Logins
from scoredock.network import NETWORK_FILE, Network, channel_urls
from scoredock.network_hints import image_hint, network_hint
from scoredock.network_settings import read_network, with_logins
from scoredock.paths import KIT
from scoredock.reach import authorities_file

from .install import conda_packages
from .install import network as installer

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
INDEX = "https://index.example.com/simple"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read the text of a network.yaml on a machine with this text in its netrc."""

    def given(text, netrc="", **variables):
        (tmp_path / "netrc").write_text(netrc)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        # Else the keyring takes the best of all backends in this process, those of tests included.
        monkeypatch.setattr(keyring.core, "_keyring_backend", Keyring())
        file = tmp_path / "network.yaml"
        file.write_text(text)
        return with_logins(read_network(file, variables), Logins())

    return given


def test_an_empty_file_changes_nothing(read):
    assert read("") == Network()
    assert Network().secrets(authorities=True) == {}
    assert Network().proxy_arguments() == {}


@pytest.mark.parametrize(
    ("image", "pulled"),
    [
        ("python:3.11-slim", "mirror.example.com/hub/library/python:3.11-slim"),
        ("bitnami/python:3.11", "mirror.example.com/hub/bitnami/python:3.11"),
        ("docker.io/library/python:3", "mirror.example.com/hub/library/python:3"),
        ("mcr.example.com/azureml/base:1", "mirror.example.com:5000/azureml/base:1"),
        ("localhost:5000/python", "localhost:5000/python"),
        ("quay.example.com/python:3", "quay.example.com/python:3"),
    ],
)
def test_an_image_is_pulled_from_the_mirror_of_its_registry(read, image, pulled):
    settings = read(
        "registry_mirrors:\n  docker.io: mirror.example.com/hub/\n"
        "  mcr.example.com: mirror.example.com:5000\n"
    )

    assert settings.mirrored(image) == pulled
    contexts = {image: f"docker-image://{pulled}"} if image != pulled else {}
    assert settings.image_contexts({image: image}) == contexts


def test_a_login_of_netrc_goes_into_the_urls_of_its_host(read):
    settings = read(
        f"python_index: {INDEX}\n"
        "extra_python_indexes: ['https://own:pw@index.example.com/more', 'https://b.example.com']\n"
        "conda_mirrors: {conda-forge: 'http://index.example.com:8080/forge'}\n",
        netrc="machine index.example.com login user password p@ss/word\ndefault login x password y",
    )

    assert settings.python_index == "https://user:p%40ss%2Fword@index.example.com/simple"
    assert settings.extra_python_indexes == [
        "https://own:pw@index.example.com/more",
        "https://b.example.com",
    ]
    assert settings.conda_mirrors == {
        "conda-forge": "http://user:p%40ss%2Fword@index.example.com:8080/forge"
    }


@pytest.mark.parametrize("value", ["company.pem", "authorities", json.dumps(PEM)])
def test_authorities_are_a_file_a_folder_or_text(read, tmp_path, value):
    (tmp_path / "company.pem").write_text(PEM)
    (tmp_path / "authorities").mkdir()
    (tmp_path / "authorities" / "one.crt").write_text(PEM)
    (tmp_path / "authorities" / "one.key").write_text("a private key")

    assert read(f"ca: {value}").ca == PEM


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("python_idnex: x", "network.yaml: python_idnex: "),
        ("python_index: s3cr3t", "python_index: Value error, expected an http:// or https:// URL"),
        ("registry_mirrors: {docker.io: 'https://m.example.com'}", "without https://"),
        ("http_proxy: [s3cr3t]", "http_proxy: expected str, found list"),
        ("- s3cr3t", "network.yaml: "),
        ("a: [s3cr3t", "line 1: not YAML"),
        ("ca: nowhere.pem", "network.yaml: ca: expected a PEM file"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place_and_no_value(read, text, message):
    with pytest.raises(SpecError) as caught:
        read(text)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + caught.value.hint


def test_the_installer_puts_every_setting_into_the_words_of_the_tools(read, tmp_path):
    settings = read(
        f"python_index: https://user:p%40ss@index.example.com/simple\n"
        f"extra_python_indexes: ['{INDEX}', 'https://b.example.com/simple']\n"
        "conda_mirrors: {conda-forge: 'http://me:p%40ss@m.example.com/forge'}\n"
        "https_proxy: http://proxy.example.com:3128\n"
        f"no_proxy: localhost\nca: {json.dumps(PEM)}\ntrusted_hosts: [t.example.com]\n"
    )
    secret = tmp_path / "secret"
    secret.write_text(settings.secret())
    environ = {}

    mirrors = installer.apply(installer.read(str(secret)), environ, str(tmp_path))

    [forge] = channel_urls("conda-forge")
    assert mirrors == {forge: "http://m.example.com/forge"}
    logins = json.loads(Path(environ.pop("RATTLER_AUTH_FILE")).read_text())
    assert logins == {"m.example.com": {"BasicHTTP": {"username": "me", "password": "p@ss"}}}
    assert environ == {
        "PIP_INDEX_URL": "https://user:p%40ss@index.example.com/simple",
        "PIP_EXTRA_INDEX_URL": f"{INDEX} https://b.example.com/simple",
        "https_proxy": "http://proxy.example.com:3128",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "no_proxy": "localhost",
        "NO_PROXY": "localhost",
        "PIP_TRUSTED_HOST": "t.example.com",
    }


def test_a_mirror_of_defaults_is_one_of_both_channels_that_the_name_stands_for(read):
    settings = read(
        "conda_mirrors:\n"
        "  https://repo.anaconda.com/pkgs/r: http://m.example.com/r\n"
        "  defaults: http://m.example.com/main\n"
    )

    assert json.loads(settings.secret())["conda_mirrors"] == {
        "https://repo.anaconda.com/pkgs/main": "http://m.example.com/main",
        "https://repo.anaconda.com/pkgs/r": "http://m.example.com/r",
    }
    assert channel_urls("defaults") == tuple(conda_packages.DEFAULTS)


def test_without_settings_the_installer_changes_nothing(tmp_path):
    environ = {}

    assert installer.apply(installer.read(""), environ, str(tmp_path)) == {}
    assert installer.read(str(tmp_path / "none")) == {}
    assert environ == {}


def test_proxies_are_predefined_build_arguments_in_both_spellings(read):
    settings = read("http_proxy: http://user:pw@proxy.example.com:3128")

    assert settings.proxy_arguments() == {
        "HTTP_PROXY": "http://user:pw@proxy.example.com:3128",
        "http_proxy": "http://user:pw@proxy.example.com:3128",
    }


def test_the_page_lists_every_setting_with_its_description():
    page = (KIT / "docs" / "network.md").read_text()
    [table] = [part for part in page.split("\n\n") if part.startswith("| setting")]
    rows = [line for line in table.splitlines() if line.startswith("| `")]

    assert rows == [
        f"| `{name}` | {field.description} |" for name, field in Network.model_fields.items()
    ]


@pytest.mark.parametrize(
    ("variables", "setting", "value"),
    [
        ({"NETWORK_PYTHON_INDEX": INDEX}, "python_index", INDEX),
        ({"NETWORK_PYTHON_INDEX": " "}, "python_index", "https://of.example.com/file"),
        (
            {"NETWORK_EXTRA_PYTHON_INDEXES": f"{INDEX}  https://b.example.com"},
            "extra_python_indexes",
            [INDEX, "https://b.example.com"],
        ),
        (
            {
                "NETWORK_CONDA_MIRRORS": f"conda-forge={INDEX} https://c.example.com=https://d.example.com/?a=b"
            },
            "conda_mirrors",
            {"conda-forge": INDEX, "https://c.example.com": "https://d.example.com/?a=b"},
        ),
        (
            {"NETWORK_REGISTRY_MIRRORS": "docker.io=mirror.example.com:5000/hub"},
            "registry_mirrors",
            {"docker.io": "mirror.example.com:5000/hub"},
        ),
        ({"NETWORK_CA": PEM}, "ca", PEM),
    ],
)
def test_a_variable_takes_the_place_of_the_files_setting(read, variables, setting, value):
    settings = read("python_index: https://of.example.com/file\n", **variables)

    assert getattr(settings, setting) == (value.strip() if setting == "ca" else value)


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("NETWORK_PYTHON_INDEX", "s3cr3t", "NETWORK_PYTHON_INDEX: Value error, expected an http"),
        ("NETWORK_CONDA_MIRRORS", "s3cr3t", "NETWORK_CONDA_MIRRORS: expected NAME=VALUE"),
        ("NETWORK_CONDA_MIRRORS", "a=s3cr3t", "NETWORK_CONDA_MIRRORS.a: Value error, expected"),
        ("NETWORK_CA", "/nowhere.pem", "NETWORK_CA: expected a PEM file"),
    ],
)
def test_a_mistake_in_a_variable_names_it_and_no_value(read, variable, text, message):
    with pytest.raises(SpecError) as caught:
        read("", **{variable: text})

    assert str(caught.value).startswith(message)
    assert "s3cr3t" not in str(caught.value)


def test_an_index_without_tls_is_trusted_because_it_is_named(read):
    settings = read(
        "python_index: http://user:pw@index.example.com:8080/simple\n"
        "trusted_hosts: [self-signed.example.com]\n"
    )

    assert json.loads(settings.secret())["trusted_hosts"] == [
        "self-signed.example.com",
        "index.example.com:8080",
    ]


def test_the_authorities_of_a_file_and_of_the_settings_are_one_file_while_it_is_used(tmp_path):
    own = tmp_path / "own.pem"
    own.write_text("first\n")

    with authorities_file(own, PEM) as both:
        assert both.read_text() == f"first\n\n{PEM}\n"

    assert not both.exists()


def test_the_file_beside_the_spec_is_read_unasked_and_an_option_wins_over_it(
    run, write_spec, digits
):
    spec = write_spec({"name": "x"}, "dependencies: [python=3.11]")
    (spec / NETWORK_FILE).write_text("python_idnex: x")
    options = ["lock", "--check", "--spec", spec, "--source", digits]

    beside = run(*options)
    other = run(*options, "--network", "/dev/null")

    assert f"{spec}/{NETWORK_FILE}: python_idnex: " in beside.stderr
    assert "scoredock.lock: no such file" in other.stderr


def test_the_file_beside_the_spec_never_goes_into_a_context(run, write_spec, tmp_path):
    spec = write_spec({"name": "x"}, "dependencies: [python=3.11]")
    (spec / NETWORK_FILE).write_text("")
    (spec / "score.py").write_text("")
    options = ["render", "--spec", spec, "--source", spec, "--output", tmp_path / "context"]

    refused = run(*options)
    (spec / ".dockerignore").write_text(NETWORK_FILE)
    written = run(*options)

    assert f"{spec}/{NETWORK_FILE}: goes into the image" in refused.stderr
    assert written.returncode == 0
    assert not list((tmp_path / "context").rglob(NETWORK_FILE))


def test_settings_in_the_folder_that_goes_into_the_image_are_refused(tmp_path):
    from scoredock.cli import cli

    (tmp_path / "score.py").write_text("")
    (tmp_path / "network.yaml").write_text("")

    result = CliRunner().invoke(
        cli, ["build", "--source", str(tmp_path), "--network", str(tmp_path / "network.yaml")]
    )

    assert isinstance(result.exception, SpecError)
    assert "lies in the source folder" in str(result.exception)


def test_settings_in_the_folder_that_the_specs_dockerfile_copies_are_refused(tmp_path):
    from scoredock.cli import cli

    spec = {"python": {"userManagedDependencies": True}}
    (tmp_path / "azureml_environment.json").write_text(json.dumps(spec))
    (tmp_path / "BaseDockerfile").write_text("FROM python:3.11-slim\nCOPY . /all\n")
    (tmp_path / "network.yaml").write_text("")
    network = str(tmp_path / "network.yaml")

    result = CliRunner().invoke(cli, ["build", "--spec", str(tmp_path), "--network", network])

    assert isinstance(result.exception, SpecError)
    assert str(result.exception).startswith(f"{network}: lies in the folder that the spec's own")


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        (
            "E: Failed to fetch http://deb.example.com/x  Could not resolve 'deb.example.com'",
            "apt_mi",
        ),
        ("Certificate verification failed: The certificate is NOT trusted.", "ca in"),
        ("WARNING: 401 Error, Credentials not correct for https://index.example.com/", "~/.netrc"),
        ("SSLError(SSLCertVerificationError(1, 'certificate verify failed: self-signed", "ca in"),
        ("invalid peer certificate: UnknownIssuer", "ca in"),
        ("error: the conda channel https://c.example.com/ does not answer: refused", "conda_mir"),
        ("ProxyError: Tunnel connection failed: 403 Forbidden", "python_index"),
        ("407 Proxy Authentication Required", "user:password@"),
        ("Caused by: Connection refused (os error 111)", "https_proxy"),
        ("ERROR: No matching distribution found for nothing==4010", ""),
        ("ERROR: No matching distribution found for nothing==403", ""),
        ("E: Unable to locate package libnothing", ""),
    ],
)
def test_what_the_tools_say_names_a_setting(line, setting):
    hint = network_hint(["before", line, "after"])

    assert setting in hint
    assert bool(setting) == bool(hint)


@pytest.mark.parametrize(
    ("line", "given", "hint"),
    [
        (
            "error: the conda channel https://c.example.com/ does not answer: dns error",
            Network(conda_mirrors={"c": "http://m.example.com"}),
            "conda_mirrors is set, and not reached: mend it, or set http_proxy",
        ),
        (
            "Failed to establish a new connection: Name or service not known",
            Network(python_index=INDEX, http_proxy="http://p.example.com"),
            "python_index is set, and not reached: mend it, or set https_proxy",
        ),
        (
            "Tunnel connection failed: 403 Forbidden",
            Network(https_proxy="http://p.example.com"),
            "the proxy refuses: set python_index in the network settings: see docs/network.md",
        ),
        (
            "E: Failed to fetch http://deb.example.com/x  403  Forbidden",
            Network(
                https_proxy="http://p.example.com",
                apt_mirrors={"http://deb.example.com": "https://m.example.com"},
            ),
            "the proxy refuses: mend apt_mirrors, or what https_proxy lets through: "
            "see docs/network.md",
        ),
    ],
)
def test_a_hint_names_the_setting_that_is_missing_beside_those_that_are_there(line, given, hint):
    assert network_hint([line], given) == hint


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("failed to verify certificate: x509: unknown authority", "/etc/docker/certs.d"),
        ("401 Unauthorized", "docker login HOST"),
        ("lookup registry.invalid: no such host", "set registry_mirrors in the network settings"),
    ],
)
def test_what_the_engine_says_of_a_registry_names_a_remedy(line, hint):
    assert hint in image_hint([line])
