import os

import pytest
from docker.utils import exclude_paths
from hypothesis import given
from hypothesis import strategies as st

from scoredock.dockerignore import included_files
from scoredock.errors import SpecError

FILES = ["a", "ab", "deep/a", "deep/ab", "deep/er/a", "deep/er/b.py", "x.py", "[", "Upper"]
PART = st.sampled_from(["a", "b", "*", "?", "**", "*.py", "[ab]", "[!a]", "er", "deep", ".", ".."])
PATTERN = st.builds(
    lambda sign, parts: sign + "/".join(parts),
    st.sampled_from(["", "", "!", "/"]),
    st.lists(PART, min_size=1, max_size=3),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("source")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@given(patterns=st.lists(PATTERN.filter(lambda text: "[!" not in text), max_size=4))
def test_what_is_left_out_is_what_dockers_own_library_leaves_out(folder, patterns):
    kept = {name for name in exclude_paths(os.fspath(folder), patterns) if name in FILES}

    assert set(included_files(folder, patterns)) == kept


@pytest.mark.parametrize(
    ("patterns", "left_out"),
    [
        (["upper"], []),
        (["Upper"], ["Upper"]),
        (["[^a-w]*.py"], ["x.py"]),
        ([r"\["], ["["]),
        (["# a", "", "  ", "."], []),
        (["deep", "!deep/er"], ["deep/a", "deep/ab"]),
        (["**", "!a"], [name for name in FILES if name != "a"]),
        (["./deep//er/../er"], ["deep/er/a", "deep/er/b.py"]),
    ],
)
def test_a_pattern_leaves_out(folder, patterns, left_out):
    assert sorted({*FILES} - {*included_files(folder, patterns)}) == sorted(left_out)


def test_a_link_to_a_folder_is_a_file_of_its_own(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "link").symlink_to("folder")

    assert sorted(included_files(tmp_path, [])) == ["folder/file", "link"]


def test_what_is_no_pattern_is_refused():
    with pytest.raises(SpecError, match=r"expected a pattern, found '\[z-a\]'"):
        list(included_files(".", ["[z-a]"]))
