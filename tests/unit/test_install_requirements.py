"""docker/install/requirements.py and tools.py: what is installed, and by which program."""

import subprocess
import sys

import pytest

from support import ROOT

from .install import requirements, tools


class Never:
    """Tools of which nothing is fetched: the kit's own environment has them."""

    def module(self, name):
        return ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dependencies:", {}),
        (
            "channels: [a, b]\ndependencies: [{pip: [x]}, python=3.8, {pip: [y]}, numpy~=1.18]",
            {"channels": ["a", "b"], "conda": ["python=3.8", "numpy~=1.18"], "pip": ["x", "y"]},
        ),
        ("dependencies:\n- pip:\n", {}),
        ("dependencies: []\npip_constraints: [numpy<2]\n", {"constraints": ["numpy<2"]}),
    ],
)
def test_the_conda_file_is_read(tmp_path, text, found):
    path = tmp_path / "conda.yml"
    path.write_text(text)

    nothing = {"channels": [], "conda": [], "pip": [], "constraints": []}
    assert requirements.read_conda_file(str(path), Never()) == nothing | found


@pytest.mark.parametrize(
    "line",
    [
        "numpy==1.18.5",
        "azureml-dataset-runtime[pandas,fuse]~=1.34.0",
        "six ; python_version < '4'",
        "six --hash=sha256:0123",
        "git+https://github.com/example/a.git@v2.1#subdirectory=b",
        "https://example.com/a-1.0-py3-none-any.whl?sv=2020&sig=a%2Fb%3D",
        "--extra-index-url https://index.example.com/simple",
        "--index-url=https://index.example.com/simple",
        "-f https://index.example.com/wheels",
        "--only-binary :all:",
    ],
)
def test_uv_takes_what_it_reads_as_pip_does(line):
    assert requirements.uv_understands(["numpy", line], {})


# uv 0.13 says that it ignores these, or refuses them.
@pytest.mark.parametrize(
    "line",
    ["--pre", "--trusted-host index.example.com", "--prefer-binary", "--no-deps", "-r other.txt",
     "-c constraints.txt", "--use-feature=fast-deps", "six --global-option=--verbose"],
)  # fmt: skip
def test_pip_takes_what_uv_would_ignore(line):
    assert not requirements.uv_understands(["numpy", line], {})


@pytest.mark.parametrize(("name", "by_uv"), [("index-url", True), ("no-binary", False)])
def test_pip_takes_what_its_configuration_says_to_pip_alone(name, by_uv):
    assert requirements.uv_understands(["numpy"], {name: ["x"]}) == by_uv


def test_a_tool_of_the_cache_is_not_fetched_again(tmp_path):
    own = tools.Tools({"PATH": "/nonexistent"}, str(tmp_path), "/nonexistent")
    folder = tmp_path / "tools" / own.folder.rpartition("/")[2] / tools.REQUIREMENTS["uv"]
    folder.mkdir(parents=True)

    assert own.uv == str(folder / "bin" / "uv")


def test_a_module_that_is_installed_is_not_fetched(tmp_path):
    own = tools.Tools({}, str(tmp_path), str(tmp_path))

    assert own.module("yaml") == ""
    assert list(tmp_path.iterdir()) == []


def test_an_interpreter_without_pip_makes_one_aside(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    code = "import sys, tools; print(tools.find_pip(sys.argv[1]))"

    made = subprocess.run(
        [bare / "bin" / "python", "-c", code, tmp_path / "scratch"],
        env={"PYTHONPATH": str(ROOT / "docker" / "install")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()

    assert made == str(tmp_path / "scratch" / "pip" / "bin" / "python")
    subprocess.run([made, "-m", "pip", "--version"], check=True)


def test_lines_with_hashes_become_constraints_of_what_comes_after():
    lines = [
        "--index-url https://index.example.com/simple",
        "six==1.16.0 --hash=sha256:01 --hash=sha256:02",
        "a-b[c,d]==1 ; python_version < '4' --hash=sha256:03",
        "https://example.com/a-1.0-py3-none-any.whl --hash=sha256:04",
    ]

    assert requirements.has_hashes(lines)
    assert not requirements.has_hashes(["six==1.16.0"])
    assert requirements.without_hashes(lines) == ["six==1.16.0", "a-b==1 ; python_version < '4'"]
    assert requirements.options(lines) == lines[:1]


@pytest.mark.parametrize(
    ("lines", "added"),
    [
        ([], True),
        (["flask", "prometheus-client-extras==1", "prometheus-flask-exporter"], True),
        (["prometheus-client==0.7.1"], False),
        (["Prometheus_Client"], False),
        (["numpy", "prometheus.client[twisted]>=0.20 ; python_version > '3'"], False),
    ],
)
def test_what_the_page_of_metrics_needs_is_added_unless_the_spec_names_it(lines, added):
    assert requirements.metrics(lines) == (["prometheus-client>=0.8"] if added else [])
