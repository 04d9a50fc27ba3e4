import pytest
import yaml

from scoredock.pip_packages import PipPackage
from scoredock.render import ScoringCode, render
from scoredock.spec import GENERATED
from scoredock.templates import OUTPUTS, load_templates

from .builders import CODE, resolved


def rendered(env=None, code=CODE):
    return render(env or resolved(), code, load_templates())


def test_the_conda_file_is_read_back_as_the_environments_packages():
    conda = yaml.safe_load(rendered()["conda_dependencies.yml"])

    assert conda == {
        "name": "mnist",
        "channels": ["conda-forge"],
        "dependencies": ["python=3.8", "pip<24", {"pip": ["numpy>=1,<2", "--pre"]}],
    }


def test_a_conda_file_without_channels_has_no_empty_list_of_them():
    conda = yaml.safe_load(rendered(resolved(channels=()))["conda_dependencies.yml"])

    assert "channels" not in conda


def test_a_replaced_package_stands_as_a_comment_where_it_was():
    lines = rendered()["conda_dependencies.yml"].splitlines()

    assert lines[-3:] == [
        "  - numpy>=1,<2",
        "  # azureml-defaults: the server serves in its place",
        "  - --pre",
    ]


def test_every_file_begins_by_saying_that_it_is_generated():
    texts = rendered()

    assert list(texts) == list(OUTPUTS.values())
    assert all(
        text.startswith(f"{GENERATED} from azureml_environment.json") for text in texts.values()
    )


@pytest.mark.parametrize("name", OUTPUTS.values())
def test_a_file_ends_in_one_line_break(name):
    text = rendered()[name]

    assert text == text.rstrip("\n") + "\n"


def test_the_settings_of_this_machine_change_nothing_in_the_text(monkeypatch, tmp_path):
    before = rendered()
    for name in ("TZ", "LANG", "HOME", "BASE_IMAGE", "SOURCE_NAME", "ENTRY_SCRIPT", "PORT"):
        monkeypatch.setenv(name, "of-this-machine")
    monkeypatch.chdir(tmp_path)

    assert rendered() == before


def test_the_code_is_where_the_dockerfile_looks_for_it():
    text = rendered(code=ScoringCode(source_name="my code", entry_script="deep/score.py"))[
        "Dockerfile"
    ]

    assert '\nARG SOURCE_NAME="my code"\n' in text
    assert '\nARG ENTRY_SCRIPT="deep/score.py"\n' in text


def test_a_variable_is_quoted_for_the_dockerfile():
    text = rendered(resolved(variables=(("A", 'say "$HOME"\\'), ("B", ""))))["Dockerfile"]

    assert '\nENV A="say \\"\\$HOME\\""\\\\""\nENV B=""\n' in text


@pytest.mark.parametrize("awkward", ["a\nRUN evil", "a\r\nRUN evil", "a\u2028RUN evil"])
def test_a_line_break_cannot_leave_the_comment_that_it_stands_in(awkward):
    package = PipPackage(requirement=awkward, replaced=awkward)

    text = rendered(resolved(pip_packages=(package,)))["conda_dependencies.yml"]

    assert [line for line in text.splitlines() if line.strip().startswith("RUN")] == []
    assert yaml.safe_load(text)["dependencies"][-1] == {"pip": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x: [- y"),
        ("name", "3.10"),
        ("channels", ("- x", "a: b")),
        ("conda_packages", ("python=3.8", "{{ x }}")),
    ],
)
def test_an_awkward_value_is_read_back_as_it_is(field, value):
    conda = yaml.safe_load(rendered(resolved(**{field: value}))["conda_dependencies.yml"])

    found = {
        "name": conda["name"],
        "channels": tuple(conda["channels"]),
        "conda_packages": tuple(item for item in conda["dependencies"] if isinstance(item, str)),
    }
    assert found[field] == value


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ARG BASE_IMAGE=", "FROM ${BASE_IMAGE}"),
        ("FROM ${BASE_IMAGE}", "RUN --mount"),
        ("RUN --mount", "COPY --from=build"),
        ("COPY --from=build", "USER 1000"),
        ("USER 1000", "ENTRYPOINT"),
        ("ENTRYPOINT", "COPY --from=code"),
    ],
)
def test_the_steps_of_the_dockerfile_stand_in_their_order(first, second):
    text = rendered()["Dockerfile"]

    assert -1 < text.index(f"\n{first}") < text.index(f"\n{second}")
