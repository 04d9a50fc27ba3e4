"""What may not be rendered, whatever the form: secrets in URLs."""

import json

import pytest

from scoredock.errors import SpecError
from scoredock.formats import read

PYTHON = "python=3.8"


@pytest.fixture
def conda(tmp_path):
    """Write a conda file."""

    def write(*lines, channels=()):
        path = tmp_path / "conda.yml"
        dependencies = [PYTHON, {"pip": list(lines)}]
        path.write_text(json.dumps({"channels": list(channels), "dependencies": dependencies}))
        return path

    return write


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--index-url https://me:s3cret@x.example.com/simple", "password"),
        ("--extra-index-url=https://:s3cret@x.example.com/simple", "password"),
        ("pkg @ https://${ME}:s3cret@x.example.com/a.whl", "password"),
        ("git+https://ghp_s3cret0123456789abcdef@x.example.com/a.git", "token"),
        ("-f https://x.example.com/t/ab-s3cret1234/wheels", "token"),
    ],
)
def test_a_login_in_a_line_for_pip_is_refused_at_its_place_with_the_way_out(conda, line, what):
    with pytest.raises(SpecError) as caught:
        read(conda("numpy", line))

    assert str(caught.value) == (
        f"conda.yml: dependencies[1].pip[1]: a URL holds a {what}, which everybody gets who gets "
        "the rendered files"
    )
    assert "--network" in caught.value.hint
    assert "~/.netrc" in caught.value.hint


def test_a_login_in_a_file_that_pip_reads_is_refused_at_its_line(conda, tmp_path):
    (tmp_path / "more.txt").write_text("numpy\n-i https://me:s3cret@x.example.com/simple\n")

    with pytest.raises(SpecError, match=r"^more.txt:2: a URL holds a password"):
        read(conda("-r more.txt"))


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("https://me:s3cret@x.example.com/main", "a URL holds a password"),
        ("https://x.example.com/t/ab-s3cret1234/main", "a URL holds a token"),
        ("https://${ME}:${TOKEN}@x.example.com/main", "${ME} is not filled in"),
    ],
)
def test_a_login_in_a_channel_is_refused_with_the_way_out(conda, channel, message):
    with pytest.raises(SpecError) as caught:
        read(conda("numpy", channels=["conda-forge", channel]))

    assert str(caught.value).startswith(f"conda.yml: channels[1]: {message}")
    assert "conda_mirrors" in caught.value.hint


def test_a_login_in_the_channel_of_one_package_is_refused(tmp_path):
    path = tmp_path / "conda.yml"
    path.write_text("dependencies: ['https://x.example.com/t/ab-s3cret1234/main::numpy']\n")

    with pytest.raises(SpecError, match=r"dependencies\[0\]: a URL holds a token"):
        read(path)


def test_a_signed_url_is_taken_with_a_warning_that_does_not_repeat_it(conda):
    line = "https://x.example.com/a-1.0-py3-none-any.whl?sv=2020&sig=s3cret"

    reading = read(conda(line))

    assert reading.spec.python.conda_dependencies.dependencies[1].pip == (line,)
    [warning] = reading.warnings
    assert warning.startswith("conda.yml: dependencies[1].pip[0]: a signed URL")
    assert "s3cret" not in warning


def test_a_variable_in_a_line_for_pip_is_left_to_pip_with_a_warning(conda):
    line = "--index-url https://me:${TOKEN}@x.example.com/simple"

    reading = read(conda(line))

    assert reading.spec.python.conda_dependencies.dependencies[1].pip == (line,)
    [warning] = reading.warnings
    assert "pip fills in ${TOKEN} where it runs, and a build has no such variable" in warning


@pytest.mark.parametrize(
    "line",
    [
        "git+https://contoso@dev.example.com/contoso/_git/models",
        "git+ssh://git@x.example.com/a.git@v1",
        "pkg @ https://x.example.com/a.zip#sha256=00ff",
    ],
)
def test_a_user_without_a_password_is_no_secret(conda, line):
    assert read(conda(line)).warnings == ()


def test_a_secret_in_the_text_of_a_dockerfile_is_a_warning_with_its_line(tmp_path):
    text = "FROM a\nRUN pip install -i https://me:s3cret@x.example.com/simple a\n"
    environment = {"python": {"userManagedDependencies": True}, "docker": {"baseDockerfile": text}}
    path = tmp_path / "azureml_environment.json"
    path.write_text(json.dumps(environment))

    [warning] = read(path).warnings

    assert warning.startswith("azureml_environment.json: docker.baseDockerfile:2: a URL holds a")
    assert "--mount=type=secret" in warning


def test_a_variable_that_looks_like_a_secret_is_taken_with_a_warning(tmp_path):
    variables = {
        "API_KEY": "s3cret",
        "DB_PASSWORD": "s3cret",
        "STORE": "https://x.example.com/a?sig=s3cret",
        "TOKENIZERS_PARALLELISM": "false",
        "MONKEY": "1",
        "SECRET": "",
    }
    path = tmp_path / "azureml_environment.json"
    python = {"userManagedDependencies": True}
    path.write_text(json.dumps({"environmentVariables": variables, "python": python}))

    warnings = read(path).warnings

    names = [warning.partition(" looks like a secret")[0] for warning in warnings]
    assert names == [
        f"azureml_environment.json: environmentVariables.{name}"
        for name in ("API_KEY", "DB_PASSWORD", "STORE")
    ]
    assert "s3cret" not in "".join(warnings)
