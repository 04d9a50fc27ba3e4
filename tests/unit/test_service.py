import re
from pathlib import Path

import pytest

from scoredock.deployment import Deployment, seconds
from scoredock.errors import SpecError
from scoredock.paths import COMPOSE_FILE, state
from scoredock.render import ScoringCode
from scoredock.service import Service, compose_variables, image_name

from .builders import CODE

# These without a value leave the choice to the rendered Dockerfile.
OWN_DEFAULT = {"BASE_IMAGE", "BUILD_IMAGE"}


def options(**changes):
    fields = {
        "spec": Path("docker"),
        "source": Path("examples/digits"),
        "entry_script": "score.py",
        "models": Path("examples/digits/models"),
    }
    return Deployment(**fields | changes)


def compose_file_variables():
    text = re.sub(r"^\s*#.*$", "", COMPOSE_FILE.read_text(), flags=re.MULTILINE)
    used = set(re.findall(r"\$\{(\w+)", text))
    return used | set(re.findall(r"^        ([A-Z_]+):\s*(?:#.*)?$", text, flags=re.MULTILINE))


@pytest.mark.parametrize(
    ("folder", "image"),
    [
        ("digits", "scoredock/digits:latest"),
        ("My Model_v2", "scoredock/my-model-v2:latest"),
        ("--x--", "scoredock/x:latest"),
        ("a..b", "scoredock/a-b:latest"),
        ("環境", "scoredock/service:latest"),
    ],
)
def test_an_image_is_called_after_the_folder_of_the_code(folder, image):
    code = ScoringCode(source_name=folder, entry_script="score.py")

    assert image_name(options(), code) == image


def test_an_image_name_of_ones_own_is_taken_as_it_is():
    assert image_name(options(image="registry.example.com/Mine:1"), CODE) == (
        "registry.example.com/Mine:1"
    )


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("90s", 90),
        ("2m", 120),
        ("1m30s", 90),
        ("1h", 3600),
        ("1h1m1s", 3661),
        ("0s", 0),
        ("1.5s", 1.5),
        (" 90s ", 90),
    ],
)
def test_a_duration_of_compose_is_read_in_seconds(duration, expected):
    assert seconds(duration) == expected


@pytest.mark.parametrize(
    "duration", ["", " ", "90", "s", "-1s", "90 s", "1s1m", "2 minutes", "1.5.5s"]
)
def test_what_is_no_duration_is_refused_with_the_variable_and_an_example(duration):
    with pytest.raises(SpecError) as caught:
        seconds(duration)

    assert str(caught.value) == (
        f"START_PERIOD: expected a duration as in 90s or 2m, found {duration!r}"
    )


def test_compose_gets_exactly_the_variables_that_its_file_uses():
    given = compose_variables(options(), CODE, "scoredock/digits:latest")

    assert set(given) == compose_file_variables() - OWN_DEFAULT


def test_compose_gets_what_the_options_say(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    chosen = options(
        bind="0.0.0.0",
        port=8080,
        worker_count=3,
        worker_timeout=60,
        start_period="5m",
        ca_file=Path("ca.pem"),
        pip_config=Path("pip.conf"),
    )

    given = compose_variables(chosen, CODE, "mine:1")

    assert given == {
        "IMAGE": "mine:1",
        "SOURCE_DIR": f"{tmp_path}/examples/digits",
        "SOURCE_NAME": "digits",
        "ENTRY_SCRIPT": "score.py",
        "MODELS_DIR": f"{tmp_path}/examples/digits/models",
        "BIND": "0.0.0.0",
        "PORT": "8080",
        "WORKER_COUNT": "3",
        "WORKER_TIMEOUT": "60",
        "START_PERIOD": "5m",
        "CA_FILE": f"{tmp_path}/ca.pem",
        "PIP_CONFIG": f"{tmp_path}/pip.conf",
        "SERVICE_FILE": str(state("context", "digits", "compose.service.yaml")),
    }


@pytest.mark.parametrize("name", ["CA_FILE", "PIP_CONFIG"])
def test_a_secret_that_is_not_set_is_an_empty_file(name):
    given = compose_variables(options(), CODE, "mine:1")

    assert given[name] == "/dev/null"


@pytest.mark.parametrize(
    ("bind", "host"),
    [
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "[::1]"),
        ("::", "[::1]"),
    ],
)
def test_a_service_tells_where_to_post(bind, host):
    started = Service(runtime="docker", bind=bind, port=8080, what="image x")

    assert started.scoring_uri == f"http://{host}:8080/score"
