import pytest
from packaging.requirements import Requirement

from scoredock.conda_names import PIP_NAMES
from scoredock.defaults import defaults
from scoredock.errors import SpecError
from scoredock.packages import choose_packages, known_names
from scoredock.pip_packages import PipPackage
from scoredock.spec import CondaDependencies


def chosen(*dependencies, channels=None, **options):
    """Return the packages of a conda part, and the notes."""
    conda = CondaDependencies(dependencies=dependencies, channels=channels)
    notes = []
    return choose_packages(conda, notes=notes, **options), notes


def requirements(packages):
    return [package.requirement for package in packages.pip_packages if not package.replaced]


# Every form of python in the conda files of 238 real inference environments: the pip installer
# takes the newest Python that is accepted.
@pytest.mark.parametrize(
    ("python", "version"),
    [
        ("python=3.6.2", "3.6"),
        ("python=3.8", "3.8"),
        ("python=3.7.*", "3.7"),
        ("python==3.8", "3.8"),
        ("python>=3.7,<3.9", "3.8"),
        ("python>=3.10,<3.11", "3.10"),
        ("python>=3.5.2,<3.6.8", "3.6"),
        ("python 3.9", "3.9"),
    ],
)
def test_python_and_pip_alone_are_made_by_pip(python, version):
    packages, notes = chosen(python, "pip=20.1.1", {"pip": ["joblib"]})

    assert packages.installer == "pip"
    assert packages.reason == "the conda part asks for nothing but Python and pip"
    assert packages.python_version == version
    assert notes == []


@pytest.mark.parametrize(
    "package",
    [
        "numpy",
        "psutil>5.0.0,<6.0.0",
        "numpy=1.18.*",
        "PyJWT < 2.0.0",
        "conda-forge::jq",
        "pytorch::pytorch=1.11.0",
        "pytorch=1.11.0=py3.8_cuda11.3_cudnn8.2.0_0",
        "cudatoolkit=11.0",
        "r-essentials",
        "gxx_linux-64",
        "numpy~=1.18.0",
        "https://conda.example.com/main/linux-64/numpy-1.18.5-py38h05e7239_0.conda",
    ],
)
def test_any_other_package_is_made_by_conda_as_it_is_written(package):
    packages, notes = chosen("python=3.8", package, channels=["conda-forge"])

    assert packages.installer == "conda"
    assert packages.reason == f"the conda part asks for {package}"
    assert packages.conda_packages == ("python=3.8", package)
    assert f"installer conda: {packages.reason}" in notes


def test_the_reason_names_the_first_package_and_counts_the_others():
    packages, _ = chosen("python=3.8", "numpy", "scipy", "jq")

    assert packages.reason == "the conda part asks for numpy and 2 more"


def test_a_python_of_a_named_channel_is_made_by_conda():
    packages, _ = chosen("conda-forge::python=3.9", "pip")

    assert packages.installer == "conda"
    assert packages.reason == "the conda part asks for conda-forge::python=3.9"


def test_conda_can_be_insisted_on():
    packages, _ = chosen("python=3.9", "pip", installer="conda")

    assert (packages.installer, packages.reason) == ("conda", "conda was asked for")


@pytest.mark.parametrize(
    ("python", "version"), [("python=3.9", "3.9"), ("python>=3.8", ""), ("python>=3.8,<3.9", "3.8")]
)
def test_conda_chooses_among_the_pythons_that_are_accepted(python, version):
    packages, _ = chosen(python, "jq")

    assert packages.python_version == version
    assert packages.conda_packages == (python, "jq")


def test_conda_gets_the_default_python_where_none_is_named():
    packages, notes = chosen("jq")

    assert packages.conda_packages == (f"python={defaults()['python']}", "jq")
    assert f"the spec names no version of Python: {defaults()['python']} is used" in notes


@pytest.mark.parametrize("installer", ["pip", "conda"])
def test_a_python_that_nothing_can_serve_is_refused_where_it_stands(installer):
    with pytest.raises(SpecError, match=r"expected a version from 3\.6 .*'python=2\.7'") as caught:
        chosen("pip", "python=2.7", installer=installer)

    assert caught.value.path == "python.condaDependencies.dependencies[1]"


def test_channels_are_kept_in_their_order():
    packages, _ = chosen("jq", channels=["pytorch", " conda-forge ", "file:///srv/channel"])

    assert packages.channels == ("pytorch", "conda-forge", "file:///srv/channel")


def test_conda_packages_without_a_channel_come_from_conda_forge_with_a_note():
    packages, notes = chosen("jq")

    assert packages.channels == ("conda-forge",)
    assert "the spec names no conda channel: conda-forge is used" in notes


@pytest.mark.parametrize("channel", ["file:channel", "file:///srv/a b", "file:///srv,source=/etc"])
def test_a_folder_that_cannot_be_mounted_is_refused(channel):
    with pytest.raises(SpecError, match=r"expected a folder as in file:///srv/channel") as caught:
        chosen("jq", channels=["conda-forge", channel])

    assert caught.value.path == "python.condaDependencies.channels[1]"


def test_pip_takes_what_the_index_has_from_there_when_it_is_insisted_on():
    packages, notes = chosen(
        "python=3.8", "pip", "numpy=1.18", "py-xgboost>=1,<2", "matplotlib-base", "pytorch==1.11.0",
        {"pip": ["joblib"]},
        installer="pip",
    )  # fmt: skip

    assert (packages.installer, packages.reason) == ("pip", "pip was asked for")
    assert packages.conda_packages == ("python=3.8", "pip")
    assert requirements(packages) == [
        "numpy==1.18.*", "xgboost<2,>=1", "matplotlib", "torch==1.11.0", "joblib",
    ]  # fmt: skip
    assert packages.pip_packages[1].conda == "py-xgboost>=1,<2"
    assert notes == []


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ("jq", "'jq' is not known to be on the Python package index"),
        ("cudatoolkit=11.0", "'cudatoolkit=11.0' is not known to be on the Python package index"),
        ("numpy=1.18|=1.19", "pip has no words for the version of 'numpy=1.18|=1.19'"),
    ],
)
def test_what_pip_cannot_install_is_refused_by_name(package, message):
    with pytest.raises(SpecError) as caught:
        chosen("python=3.8", "numpy", package, installer="pip")

    assert str(caught.value) == f"python.condaDependencies.dependencies[2]: {message}"
    assert "leave out --installer pip" in caught.value.hint


def test_a_build_that_pip_does_not_have_is_noted():
    packages, notes = chosen("python=3.8", "numpy=1.18.5=py38h05e7239_0", installer="pip")

    assert requirements(packages) == ["numpy==1.18.5"]
    assert len(notes) == 1
    assert "pip has no build 'py38h05e7239_0'" in notes[0]


def test_a_package_of_both_parts_is_the_one_of_the_pip_section_as_with_conda():
    packages, _ = chosen("python=3.8", "numpy=1.18", {"pip": ["NumPy==1.19.5"]}, installer="pip")

    assert requirements(packages) == ["NumPy==1.19.5"]
    assert packages.pip_packages[0].replaced == "the pip: section names it too"


@pytest.mark.parametrize(
    ("package", "told"), [("numpy=1.18", True), ("jq", False), ("numpy=1.18|=1.19", False)]
)
def test_conda_says_where_pip_would_do(package, told):
    _, notes = chosen("python=3.8", package)

    assert any("--installer pip makes a smaller image" in note for note in notes) == told


# Every form of the pip section in the same files.
@pytest.mark.parametrize(
    "line",
    [
        "numpy==1.18.5",
        "certifi >= 2023.07.22",
        "azureml-dataset-runtime[pandas,fuse]~=1.34.0",
        "--extra-index-url https://index.example.com/simple",
        "--extra-index-url=https://index.example.com/simple",
        "-r https://example.com/requirements.txt",
        "-c /pip_constraints.txt",
        "git+https://github.com/example/a.git@v2.1#subdirectory=b",
        "https://example.com/a-1.0-py3-none-any.whl?sv=2020&sig=a%2Fb%3D",
        "httpcore==0.17.3",
        "en_core_web_sm @ https://example.com/en_core_web_sm-3.0.0.tar.gz",
    ],
)
def test_a_line_of_the_pip_section_is_kept_as_it_is(line):
    packages, _ = chosen("python=3.8", {"pip": [line]})

    assert packages.pip_packages == (PipPackage(requirement=line),)


def test_the_pip_section_may_stand_anywhere_and_twice():
    packages, _ = chosen({"pip": ["a"]}, "python=3.8", {"pip": ["b"]}, "numpy~=1.18.0")

    assert requirements(packages) == ["a", "b"]


def test_what_the_image_leaves_out_can_be_kept():
    assert known_names(["pip", "tests", "conda_meta", "azureml_core"]) == {
        "pip", "tests", "conda-meta", "azureml-core",
    }  # fmt: skip


def test_what_nothing_leaves_out_cannot_be_kept():
    with pytest.raises(SpecError, match=r"expected azureml-defaults or .* or tests .*found numpy"):
        known_names(["numpy"])


def test_a_name_of_the_table_is_one_that_pip_can_read():
    assert all(Requirement(name).name == name for name in PIP_NAMES.values())
    assert all(name == name.lower() for name in PIP_NAMES)
    assert len(PIP_NAMES) > 300


@pytest.mark.parametrize("name", ["jq", "r", "r-base", "nb_conda", "cudatoolkit", "openssl", "gcc"])
def test_a_program_is_not_taken_for_a_python_package(name):
    assert name not in PIP_NAMES


@pytest.mark.parametrize(
    ("packages", "version"),
    [
        (["python>=3.6", "python<3.9"], "3.8"),
        (["python", "python=3.9"], "3.9"),
        (["python=3.8", "python>=3.6"], "3.8"),
    ],
)
def test_every_condition_on_python_counts(packages, version):
    made, notes = chosen(*packages)

    assert made.python_version == version
    assert notes == []


@pytest.mark.parametrize("written", ["python 3.9", "conda-forge::python=3.9"])
def test_a_python_that_the_reference_sdk_added_to_another_is_left_out_with_a_note(written):
    made, notes = chosen(written, "numpy", "python=3.10.18", channels=["conda-forge"])

    assert made.python_version == "3.9"
    assert made.conda_packages == (written, "numpy")
    assert notes[0].endswith(f"python=3.10.18 contradicts {written} and is left out")


def test_a_build_of_python_is_no_matter_to_pip_and_is_noted():
    made, notes = chosen("python=3.10.13=h955ad1f_0")

    assert (made.installer, made.python_version) == ("pip", "3.10")
    assert "pip has no build 'h955ad1f_0'" in notes[0]


def test_a_replaced_package_is_known_beside_options_and_comments():
    lines = ["azureml-defaults==1.50 --hash=sha256:00", "azureml-core  # why"]

    made, _ = chosen("python=3.8", {"pip": lines})

    assert requirements(made) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["scikit-learn==1.2.2"],
        ["numpy", "pandas>=2,<2.2"],
        ["pyarrow~=14.0.1  # for parquet"],
        ["--no-cache-dir", "scikit_image<=0.22"],
        ["pandas==2.0.0rc1"],
        ["pandas===of-our-own"],
    ],
)
def test_numpy_1_is_asked_for_where_a_package_of_its_time_leaves_it_open(lines):
    packages, notes = chosen("python=3.10", {"pip": lines})

    assert requirements(packages) == [*lines, "numpy<2"]
    [note] = notes
    assert note.startswith("numpy<2 is added: ")


@pytest.mark.parametrize(
    ("python", "lines"),
    [
        ("3.10", ["numpy==2.0.2", "scikit-learn==1.2.2"]),
        ("3.10", ["scikit-learn>=1.2.2"]),
        ("3.10", ["scikit-learn==1.4.2", "pandas"]),
        ("3.12", ["scikit-learn==1.7.0", "pandas==2.3.*"]),
        ("3.12", ["scikit-learn>1.5,<1.6", "pandas~=2.2.3", "pyarrow<=17"]),
        ("3.12", ["pandas==3.0.0rc1"]),
        ("3.10", ["joblib==1.2.0", "scikit-learn @ https://example.com/scikit_learn-1.2.2.whl"]),
        ("3.8", ["scikit-learn==1.2.2"]),
    ],
)
def test_numpy_is_left_alone_where_it_is_bounded_or_nothing_says_that_it_has_to_be(python, lines):
    packages, notes = chosen(f"python={python}", {"pip": lines})

    assert requirements(packages) == lines
    assert notes == []


def test_the_bound_that_a_conda_package_would_have_brought_is_added_for_pip():
    packages, notes = chosen("python=3.10", "scikit-learn=1.2.2", "numpy", installer="pip")

    assert requirements(packages)[-1] == "numpy<2"
    assert "scikit-learn==1.2.2.* is built for numpy 1" in notes[-1]
