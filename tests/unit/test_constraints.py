"""`-c FILE`: read with the spec, and with it wherever it goes."""

import pytest
import yaml

from scoredock.canonical import canonical_files, write_canonical
from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.render import render
from scoredock.resolve import resolve
from scoredock.templates import load_templates

from .builders import CODE

FILES = {
    "environment/conda.yml": (
        "dependencies: [python=3.8, {pip: [-c pins.txt, numpy, -c ../more.txt]}]\n"
    ),
    "environment/pins.txt": (
        "# why\nnumpy==1.24.4 \\\n  --hash=sha256:00\n-c sub/more.txt\n--extra-index-url https://x/\n"
    ),
    "environment/sub/more.txt": "scipy<2  # as tested\n-r wanted.txt\n",
    "environment/sub/wanted.txt": "joblib\n",
    "more.txt": "\ufeffpandas ; python_version < '3.9'\r\n",
}
HELD = ("numpy==1.24.4   --hash=sha256:00", "scipy<2", "pandas ; python_version < '3.9'")


@pytest.fixture
def spec(tmp_path):
    """Write files below a folder, by their names, over those of FILES; return the conda file."""

    def write(**files):
        for name, text in (FILES | files).items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text, encoding="utf-8", newline="")
        return tmp_path / "environment" / "conda.yml"

    return write


def test_constraints_are_read_from_where_they_are_named_and_are_no_packages(spec):
    env, _ = resolve(read(spec()).spec)

    assert env.pip_constraints == HELD
    # As pip does: what a file of constraints names with -r is wanted, its options hold for all.
    assert [each.requirement for each in env.pip_packages] == [
        "joblib", "--extra-index-url https://x/", "numpy",
    ]  # fmt: skip


def test_every_file_of_constraints_is_told(spec):
    reading = read(spec())

    assert reading.file_names == (
        "conda.yml", "pins.txt", "sub/more.txt", "sub/wanted.txt", "../more.txt",
    )  # fmt: skip


def test_a_requirements_file_and_a_python_env_may_name_constraints(tmp_path):
    (tmp_path / "pins.txt").write_text("numpy==1.24.4\n")
    (tmp_path / "requirements.txt").write_text("numpy\n-cpins.txt\n")
    (tmp_path / "python_env.yaml").write_text("python: 3.8\ndependencies: [-r requirements.txt]\n")

    for name in ("requirements.txt", "python_env.yaml"):
        env, _ = resolve(read(tmp_path / name).spec)

        assert env.pip_constraints == ("numpy==1.24.4",)
        assert [each.requirement for each in env.pip_packages] == ["numpy"]


def test_the_rendered_conda_file_holds_them_and_nothing_else_is_needed(spec):
    env, _ = resolve(read(spec()).spec)

    text = render(env, CODE, load_templates())["conda_dependencies.yml"]

    rendered = yaml.safe_load(text)
    assert rendered["pip_constraints"] == list(HELD)
    assert rendered["dependencies"][-1]["pip"][-1] == "numpy"
    assert "-c " not in text


def test_other_constraints_are_another_environment(spec):
    env, _ = resolve(read(spec()).spec)
    other, _ = resolve(read(spec(**{"more.txt": "pandas<2\n"})).spec)

    assert env.digest != other.digest


def test_what_is_converted_has_the_same_constraints_and_is_converted_to_itself(spec, tmp_path):
    reading = read(spec())

    files, _ = canonical_files(reading.spec)
    write_canonical(tmp_path / "out", files, base_context=None)
    again = read(tmp_path / "out")

    assert files["pip_constraints.txt"].splitlines() == list(HELD)
    assert resolve(again.spec)[0] == resolve(reading.spec)[0]
    assert canonical_files(again.spec)[0] == files


@pytest.mark.parametrize(
    ("pip", "message", "hint"),
    [
        ("-c pins2.txt", "names 'pins2.txt', which is not there", "put it into"),
        (
            "-c /pip_constraints.txt",
            "names '/pip_constraints.txt', which is not there",
            "name it without a folder",
        ),
    ],
)
def test_constraints_that_are_not_there_are_named_in_one_line(spec, pip, message, hint):
    path = spec(**{"environment/conda.yml": f"dependencies: [{{pip: [{pip}]}}]\n"})

    with pytest.raises(SpecError, match=message) as caught:
        read(path)

    assert caught.value.path == "conda.yml: dependencies[0].pip[0]"
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-c more.txt", r"more.txt: names itself with -r or -c"),
        ("./a-1.0-py3-none-any.whl", r"sub/more.txt:1: a package on this machine"),
        ("numpy 1.2", r"sub/more.txt:1: expected a requirement"),
        ("{{pins}}", r"sub/more.txt:1: expected a requirement"),
        ("a @ https://u:s3cret@x/a.whl", r"sub/more.txt:1: a URL holds a password"),
    ],
)
def test_a_wrong_line_of_constraints_is_refused_at_its_place(spec, line, message):
    with pytest.raises(SpecError, match=message):
        read(spec(**{"environment/sub/more.txt": f"{line}\n"}))


def test_constraints_at_a_url_are_left_to_pip(spec):
    line = "-c https://x.example.com/pins.txt"
    conda = f"dependencies: [{{pip: [numpy, {line}]}}]\n"

    env, _ = resolve(read(spec(**{"environment/conda.yml": conda})).spec)

    assert env.pip_constraints == ()
    assert [each.requirement for each in env.pip_packages] == ["numpy", line]
