import pytest
from packaging.specifiers import SpecifierSet

from scoredock.conda import newest_python, parse_package
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
    ],
)
def test_a_match_specification_is_read_as_conda_reads_it(package, name, specifiers):
    parsed = parse_package(package, path="x")

    assert parsed.name == name
    assert parsed.specifiers == SpecifierSet(specifiers)


@pytest.mark.parametrize(
    "package",
    ["", "=3.9", "!!", "python=", "python=abc", "python=3.8|=3.9", "my package", "python>>3.8"],
)
def test_nonsense_is_refused_with_its_place_and_its_text(package):
    with pytest.raises(SpecError) as caught:
        parse_package(package, path="dependencies[0]")

    assert caught.value.path == "dependencies[0]"
    assert str(caught.value).startswith("dependencies[0]: expected ")
    assert str(caught.value).endswith(f"found {package!r}")


@pytest.mark.parametrize(
    ("specifiers", "newest"),
    [
        ("", "3.11"),
        ("==3.8", "3.8"),
        ("==3.8.*", "3.8"),
        ("==3.8.13", "3.8"),
        ("==3.*", "3.11"),
        (">=3.7,<3.9", "3.8"),
        (">=3.10,<3.11", "3.10"),
        (">3.7,<=3.9", "3.9"),
        ("<3.9.5", "3.9"),
        ("<3.7", "3.6"),
        ("~=3.9.2", "3.9"),
        ("~=3.9", "3.11"),
        ("!=3.11.*", "3.10"),
        ("==2.7.*", None),
        ("==3.99.*", None),
        ("==3.8.99", None),
        (">=3.12", None),
    ],
)
def test_the_newest_python_is_one_that_has_an_accepted_release(specifiers, newest):
    found = newest_python(SpecifierSet(specifiers), KNOWN)

    assert found == newest
