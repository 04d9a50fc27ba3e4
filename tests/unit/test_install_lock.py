"""docker/install/lock.py: what pip and uv say, as a lock has it."""

import pytest

from .install import lock


@pytest.mark.parametrize(
    ("version", "is_read"),
    [
        ("1.0", True),
        ("1!2.0rc1.post2.dev3", True),
        ("2.0.1+cu118", True),
        ("0.1.43ubuntu1", False),
        ("1.1+ubuntu0.2", True),
        ("7.0-ab", False),
    ],
)
def test_only_versions_that_pip_reads_are_told_to_it_as_installed(version, is_read):
    assert bool(lock.PIP_READS.fullmatch(version)) == is_read


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("joblib-1.5.2-py3-none-any.whl", ("joblib", "1.5.2")),
        ("scikit-learn-0.24.2.tar.gz", ("scikit-learn", "0.24.2")),
        ("azureml_core-1.0.zip", ("azureml_core", "1.0")),
    ],
)
def test_name_and_version_are_those_of_the_file(file, expected):
    assert lock.name_and_version(file) == expected


def test_the_hashes_of_a_compiled_file_are_by_name_and_version():
    text = "# head\n--index-url x\na==1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:aa\nb==2\n"

    assert lock.parse(text) == {"a==1": ["sha256:aa", "sha256:bb"], "b==2": []}


def test_a_locked_file_has_the_lines_that_tell_where_packages_come_from_and_no_other_option():
    lines = ["--index-url https://index.example.com/simple", "a>=1", "--pre", "-c limits.txt"]

    assert lock.requirement_lines({"a==1": ["sha256:aa"]}, lines) == [
        "--index-url https://index.example.com/simple",
        "--pre",
        "a==1 --hash=sha256:aa",
    ]
