import os
import re

import click
import pytest

from scoredock.errors import SpecError
from scoredock.network import Network, variable_of
from scoredock.paths import COMPOSE_FILE, KIT
from scoredock.settings import load_dotenv
from support import COMMANDS

EXAMPLE = KIT / ".env.example"
NAME = "SCOREDOCK_TEST_SETTING"


@pytest.fixture
def unset(monkeypatch):
    """Take variables out of the process environment until the test ends, whoever sets them."""

    def take_out(*names):
        for name in names:
            monkeypatch.setenv(name, "recorded so that it is put back")
            monkeypatch.delenv(name)

    return take_out


def explained():
    """Return the names of .env.example with the values that it shows."""
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE))


def without_comments(text):
    return re.sub(r"#.*$", "", text, flags=re.MULTILINE)


def compose_names():
    """Return the variables of compose.yaml and its overlays."""
    return sorted(set(re.findall(r"\$\{(\w+)", compose_text())))


def compose_text():
    files = sorted(COMPOSE_FILE.parent.glob("compose*.yaml"))
    return without_comments("".join(file.read_text() for file in files))


def interpolated(variables):
    """Return compose.yaml and its overlays with variables filled in, as compose does it."""
    text = compose_text()
    innermost = re.compile(r"\$\{(\w+)(?::-([^${}]*))?\}")
    while innermost.search(text):
        text = innermost.sub(lambda found: variables.get(found[1]) or found[2] or "", text)
    return text


def options():
    groups = [command for command in COMMANDS.values() if isinstance(command, click.Group)]
    inner = [command for group in groups for command in group.commands.values()]
    return {
        option.envvar: option
        for command in (*COMMANDS.values(), *inner)
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }


def test_a_value_of_dotenv_fills_what_the_process_environment_leaves_open(unset, tmp_path):
    unset(NAME)
    (tmp_path / ".env").write_text(f"{NAME}=from the file\n")

    load_dotenv(set(), tmp_path)

    assert os.environ[NAME] == "from the file"


@pytest.mark.parametrize("value", ["from the process", ""])
def test_the_process_environment_wins_over_dotenv(monkeypatch, tmp_path, value):
    monkeypatch.setenv(NAME, value)
    (tmp_path / ".env").write_text(f"{NAME}=from the file\n")

    load_dotenv(set(), tmp_path)

    assert os.environ[NAME] == value


@pytest.mark.parametrize("line", [f"{NAME}=", f"{NAME}", f"#{NAME}=x"])
def test_a_name_without_a_value_sets_nothing(unset, tmp_path, line):
    unset(NAME)
    (tmp_path / ".env").write_text(line + "\n")

    load_dotenv(set(), tmp_path)

    assert NAME not in os.environ


@pytest.mark.parametrize(
    "name",
    [
        "SPEC_DIR",
        "SOURCE_DIR",
        "MODELS_DIR",
        "TEMPLATES_DIR",
        "CA_FILE",
        "PIP_CONFIG",
        "NETWORK_FILE",
        "NETWORK_CA",
        "SCOREDOCK_STATE",
    ],
)
@pytest.mark.parametrize(("written", "read"), [("a/b", "{project}/a/b"), ("/a/b", "/a/b")])
def test_a_path_of_dotenv_starts_at_the_project(unset, tmp_path, name, written, read):
    unset(name)
    (tmp_path / ".env").write_text(f"{name}={written}\n")

    load_dotenv(set(), tmp_path)

    assert os.environ[name] == read.format(project=tmp_path)


def test_authorities_themselves_are_no_path(unset, tmp_path):
    unset("NETWORK_CA")
    (tmp_path / ".env").write_text('NETWORK_CA="-----BEGIN CERTIFICATE-----\nAAAA\n"\n')

    load_dotenv(set(), tmp_path)

    assert os.environ["NETWORK_CA"].startswith("-----BEGIN")


@pytest.mark.parametrize("setting", Network.model_fields)
def test_every_network_setting_has_a_variable_that_is_known_and_explained(
    unset, monkeypatch, tmp_path, setting
):
    name = variable_of(setting)
    monkeypatch.setenv(name, "set, so that nothing leaks")
    (tmp_path / ".env").write_text(f"{name}=x\n{name}X=x\n")
    monkeypatch.setenv(f"{name}X", "set, so that nothing leaks")

    [warning] = load_dotenv(set(), tmp_path)

    assert (
        f"unknown variable {name}X: scoredock ignores it (the nearest known one is {name}"
        in warning
    )
    assert name in explained()


def test_a_value_that_is_no_path_is_taken_as_it_is(unset, tmp_path):
    unset("SOURCE_NAME")
    (tmp_path / ".env").write_text("SOURCE_NAME=digits\n")

    load_dotenv(set(), tmp_path)

    assert os.environ["SOURCE_NAME"] == "digits"


def test_a_project_without_dotenv_changes_nothing(tmp_path):
    before = dict(os.environ)

    load_dotenv(set(), tmp_path)

    assert dict(os.environ) == before


def test_a_dotenv_that_is_not_utf_8_is_a_spec_error(tmp_path):
    (tmp_path / ".env").write_bytes(f"{NAME}=Zürich\n".encode("latin-1"))

    with pytest.raises(SpecError, match="not UTF-8") as caught:
        load_dotenv(set(), tmp_path)

    assert caught.value.path == f"{tmp_path}/.env"


@pytest.mark.parametrize("name", [*compose_names(), "BASE_IMAGE", "SOURCE_NAME", "ENTRY_SCRIPT"])
def test_every_variable_of_the_compose_file_is_explained(name):
    assert name in explained()


@pytest.mark.parametrize("name", compose_names())
def test_taking_a_value_over_from_the_example_changes_nothing_in_the_stack(name):
    assert interpolated({name: explained()[name]}) == interpolated({})


@pytest.mark.parametrize("name", sorted(options()))
def test_every_variable_of_an_option_is_explained(name):
    assert name in explained()


@pytest.mark.parametrize(
    "name",
    sorted(name for name, option in options().items() if isinstance(option.default, str | int)),
)
def test_the_default_of_an_option_is_the_one_that_the_example_shows(name):
    default = options()[name].default

    assert not default or explained()[name] == str(default)


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("MODEL_DIR=x", "unknown variable MODEL_DIR: scoredock ignores it (the nearest known one"),
        ("ZZZ=1", "unknown variable ZZZ: scoredock ignores it"),
    ],
)
def test_an_unknown_variable_of_dotenv_is_named_with_the_nearest_known_one(
    monkeypatch, tmp_path, line, warned
):
    monkeypatch.setenv(line.split("=")[0], "set, so that nothing leaks")
    (tmp_path / ".env").write_text(line + "\n")

    [warning] = load_dotenv({"MODELS_DIR", "PORT"}, tmp_path)

    assert warned in warning


def test_variables_of_docker_and_known_ones_are_no_mistake(monkeypatch, tmp_path):
    for name in ("PORT", "SCOREDOCK_STATE", "COMPOSE_PROFILES"):
        monkeypatch.setenv(name, "set, so that nothing leaks")
    (tmp_path / ".env").write_text("PORT=1\nSCOREDOCK_STATE=x\nCOMPOSE_PROFILES=a\n")

    assert load_dotenv({"PORT"}, tmp_path) == []
