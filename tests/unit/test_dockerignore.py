import json
from pathlib import Path

import pytest

from scoredock.dockerignore import included_files
from scoredock.errors import SpecError

FILES = ["a", "ab", "deep/a", "deep/ab", "deep/er/a", "deep/er/b.py", "x.py", "[", "Upper"]
# Lists of patterns and what BuildKit leaves out for each; tests/stack/test_spec_fields.py asks the
# engine for some of them.
RECORDED = Path(__file__).with_name("dockerignore.tsv").read_text().splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("source")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_what_is_left_out_is_what_buildkit_leaves_out(folder):
    for patterns, left_out in (map(json.loads, line.split("\t")) for line in RECORDED):
        kept = set(included_files(folder, patterns))

        assert {*FILES} - kept == {*left_out}, patterns


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
