import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from rattler import Version, VersionSpec

from scoredock.conda import (
    accepted_pythons,
    parse_package,
    parsed_by_rattler,
)
from scoredock.errors import SpecError

KNOWN = ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11"]


@pytest.mark.parametrize(
    ("package", "name", "specifiers"),
    [
        ("python=3.11", "python", "==3.11.*"),
        ("python==3.8", "python", "==3.8"),
        ("python=3.7.*", "python", "==3.7.*"),
        ("python==3.7.*", "python", "==3.7.*"),
        ("python=3.10*", "python", "==3.10.*"),
        ("python>=3.7,<3.9", "python", ">=3.7,<3.9"),
        ("python>=3.10,<3.11", "python", ">=3.10,<3.11"),
        ("python >=3.9, <3.11", "python", ">=3.9,<3.11"),
        ("python=3.10.13=h955ad1f_0", "python", "==3.10.13"),
        ("python=3.8=*_cpython", "python", "==3.8"),
        ("python[version='>=3.8']", "python", ">=3.8"),
        ("python>=3.8.*", "python", ">=3.8"),
        ("python=3.8 # the trained one", "python", "==3.8.*"),
        ("python 3.10.13 h955ad1f_0", "python", "==3.10.13"),
        ("python 3.9", "python", "==3.9"),
        ("python = 3.9", "python", "==3.9.*"),
        ("conda-forge::python=3.9", "python", "==3.9.*"),
        ("conda-forge/linux-64::python=3.9", "python", "==3.9.*"),
        ("python", "python", ""),
        (" python ", "python", ""),
        ("python=*", "python", ""),
        ("python *", "python", ""),
        ("Python=3.8", "python", "==3.8.*"),
        ("python~=3.9", "python", "~=3.9"),
        ("pip=20.1.1", "pip", "==20.1.1.*"),
        ("pip<=23.0.1", "pip", "<=23.0.1"),
        ("scikit-learn=0.20.3", "scikit-learn", "==0.20.3.*"),
        ("_libgcc_mutex=0.1", "_libgcc_mutex", "==0.1.*"),
        ("psutil>5.0.0,<6.0.0", "psutil", ">5.0.0,<6.0.0"),
        ("scikit-learn=1.0.*", "scikit-learn", "==1.0.*"),
        ("PyJWT < 2.0.0", "pyjwt", "<2.0.0"),
        ("numpy~=1.18.0", "numpy", "~=1.18.0"),
        ("numpy!=1.19.4", "numpy", "!=1.19.4"),
        ("numpy >=1.16,1.*", "numpy", ">=1.16,==1.*"),
        ("pytorch::pytorch=1.11.0", "pytorch", "==1.11.0.*"),
    ],
)
def test_a_match_specification_is_read_as_conda_reads_it(package, name, specifiers):
    parsed = parse_package(package, path="x")

    assert parsed.name == name
    assert parsed.specifiers == SpecifierSet(specifiers)


@pytest.mark.parametrize(
    "package",
    [
        "",
        "=3.9",
        "!!",
        "*",
        "r-*",
        "python=",
        "python=abc",
        "my package",
        "a b c d",
        "python>>3.8",
        "python\nnumpy",
        "python^3.8",
        "{{latest-python}}",
        "numpy==1.19.5; python_version<'3.7'",
        # What py-rattler makes something of, and nobody meant: from a real file.
        "numoy>=1.16.0,<=1,16.2",
        # An MLflow python_env.yaml, taken for a conda file.
        "-r requirements.txt",
    ],
)
def test_nonsense_is_refused_with_its_place_and_its_text(package):
    with pytest.raises(SpecError) as caught:
        parse_package(package, path="dependencies[0]")

    assert caught.value.path == "dependencies[0]"
    assert str(caught.value).startswith("dependencies[0]: expected ")
    assert str(caught.value).endswith(f"found {package!r}")


@pytest.mark.parametrize("package", ["jpeg=9b", "python=3.8|=3.9", "x ==1.0|>2"])
def test_a_version_that_pip_has_no_words_for_has_no_specifiers(package):
    assert parse_package(package, path="x").specifiers is None


@pytest.mark.parametrize(
    ("package", "channel", "build"),
    [
        ("python=3.9", "", ""),
        ("conda-forge::python=3.9", "conda-forge", ""),
        ("conda-forge/linux-64::python=3.9", "conda-forge/linux-64", ""),
        ("https://conda.example.com/main::numpy", "https://conda.example.com/main", ""),
        ("pytorch=1.11.0=py3.8_cuda11.3_cudnn8.2.0_0", "", "py3.8_cuda11.3_cudnn8.2.0_0"),
        ("pytorch=1.11.0=*cuda*", "", "*cuda*"),
        ("python=3.9=*", "", ""),
    ],
)
def test_channel_and_build_are_those_that_are_written(package, channel, build):
    parsed = parse_package(package, path="x")

    assert (parsed.channel, parsed.build) == (channel, build)


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("", ["3.11", "3.10", "3.9", "3.8", "3.7", "3.6"]),
        ("==3.8", ["3.8"]),
        ("=3.8", ["3.8"]),
        ("==3.8.13", ["3.8"]),
        ("=3", ["3.11", "3.10", "3.9", "3.8", "3.7", "3.6"]),
        ("=3.8|=3.10", ["3.10", "3.8"]),
        (">=3.7,<3.9", ["3.8", "3.7"]),
        (">=3.10,<3.11", ["3.10"]),
        (">=3.5.2,<3.6.8", ["3.6"]),
        (">3.7,<=3.9", ["3.9", "3.8", "3.7"]),
        ("<3.9.5", ["3.9", "3.8", "3.7", "3.6"]),
        ("<3.7", ["3.6"]),
        ("~=3.9.2", ["3.9"]),
        ("~=3.9", ["3.11", "3.10", "3.9"]),
        ("!=3.11.*", ["3.10", "3.9", "3.8", "3.7", "3.6"]),
        ("=2.7", []),
        ("=3.99", []),
        ("==3.8.99", []),
        (">=3.12", []),
    ],
)
def test_a_python_is_accepted_where_one_of_its_releases_is(version, accepted):
    python = parse_package(f"python{version}", path="x")

    found = accepted_pythons([python], KNOWN)

    assert found == accepted


def test_a_package_by_the_url_of_its_file_is_that_version_of_that_channel():
    url = "https://x.example.com/main/linux-64/python-3.9.7-h12debd9_1.tar.bz2"

    package = parse_package(url, path="dependencies[0]")

    assert (package.name, package.version, package.build) == ("python", "==3.9.7", "h12debd9_1")
    assert package.channel == "https://x.example.com/main"
    assert package.written == url


@given(
    name=st.sampled_from(["python", "pip", "numpy"]),
    version=st.lists(st.integers(0, 40), max_size=3),
    release=st.tuples(st.integers(1, 4), st.integers(0, 40), st.integers(0, 31)),
)
def test_what_is_plain_is_read_as_rattler_reads_it(name, version, release):
    written = "=".join([name, *[".".join(map(str, version))][: len(version)]])
    found, number = parse_package(written, path="x"), ".".join(map(str, release))

    assert found == parsed_by_rattler(written, path="x")
    if found.version:
        assert found.accepts(number) == VersionSpec(found.version).matches(Version(number))


def test_a_plain_package_does_not_import_rattler():
    code = (
        "import sys; from scoredock.conda import parse_package as parse;"
        "parse('python=3.8', path='').accepts('3.8.1'); print('rattler' in sys.modules);"
        "parse('python>=3.8', path=''); print('rattler' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["False", "True"]
