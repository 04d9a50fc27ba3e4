from pathlib import Path

import pytest

from scoredock.context import check_models, find_code
from scoredock.errors import SpecError
from scoredock.render import ScoringCode


def test_the_code_is_called_as_its_folder_is(digits):
    code = find_code(digits, "score.py")

    assert code == ScoringCode(source_name="digits", entry_script="score.py")


def test_the_code_may_have_another_name_in_the_image(digits):
    code = find_code(digits, "score.py", name="demo")

    assert code.source_name == "demo"


def test_the_current_folder_is_called_by_its_real_name(monkeypatch, digits):
    monkeypatch.chdir(digits)

    code = find_code(Path(), "score.py")

    assert code.source_name == "digits"


@pytest.mark.parametrize(
    "name", [".", "..", "../elsewhere", "a/b", "/etc", "a\nb", "azureml-models"]
)
def test_a_name_that_is_not_one_of_a_folder_is_refused(digits, name):
    with pytest.raises(SpecError):
        find_code(digits, "score.py", name=name)


def test_an_entry_script_may_lie_deeper(digits):
    (digits / "deep").mkdir()
    (digits / "score.py").rename(digits / "deep" / "main.py")

    code = find_code(digits, "deep/main.py")

    assert code.entry_script == "deep/main.py"


def test_an_entry_script_may_be_a_link_to_a_file_elsewhere(digits):
    (digits / "score.py").rename(digits.parent / "shared.py")
    (digits / "score.py").symlink_to(digits.parent / "shared.py")

    code = find_code(digits, "score.py")

    assert code.entry_script == "score.py"


def test_an_absolute_entry_script_is_made_relative_to_the_source(monkeypatch, digits):
    monkeypatch.chdir(digits.parent)

    code = find_code(Path("digits"), str(digits / "score.py"))

    assert code.entry_script == "score.py"


def test_a_missing_source_folder_is_reported_with_the_option(tmp_path):
    with pytest.raises(SpecError, match="no such folder") as caught:
        find_code(tmp_path / "absent", "score.py")

    assert caught.value.path == f"{tmp_path}/absent"
    assert "--source" in caught.value.hint


def test_a_missing_entry_script_is_reported_with_those_that_are_there(digits):
    (digits / "main.py").write_text("")

    with pytest.raises(SpecError) as caught:
        find_code(digits, "scoer.py")

    assert str(caught.value) == (
        f"{digits}: expected the entry script 'scoer.py', found main.py, score.py"
    )


def test_a_source_folder_without_python_says_so(tmp_path):
    with pytest.raises(SpecError, match="found no Python file"):
        find_code(tmp_path, "score.py")


@pytest.mark.parametrize("name", ["score.txt", "deep.py"])
def test_an_entry_script_that_is_no_python_file_is_refused(digits, name):
    (digits / "score.txt").write_text("")
    (digits / "deep.py").mkdir()

    with pytest.raises(SpecError, match="expected the entry script"):
        find_code(digits, name)


def test_an_entry_script_outside_of_the_source_folder_is_refused(digits):
    (digits.parent / "other.py").write_text("")

    with pytest.raises(SpecError, match="lies outside"):
        find_code(digits, "../other.py")


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["m/1/model.pkl"],
        ["m/1/a", "m/2/a", "n/10/folder/a"],
        [".git/config", "m/1/a", "m/.DS_Store"],
    ],
)
def test_a_models_folder_of_names_and_versions_is_accepted(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    assert check_models(tmp_path) is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["model.pkl"], "model.pkl"),
        (["m/model.pkl"], "m/model.pkl"),
        (["m/v1/model.pkl"], "m/v1"),
        (["m/1/model.pkl", "m/latest/model.pkl"], "m/latest"),
        (["m/1/model.pkl", "m/notes.txt"], "m/notes.txt"),
        (["a/1/model.pkl", "m/1.0/model.pkl"], "m/1.0"),
        (["m/-1/model.pkl"], "m/-1"),
        (["m/²/model.pkl"], "m/²"),
        (["m/1"], "m/1"),
    ],
)
def test_a_models_folder_of_another_shape_is_refused_with_what_is_odd(tmp_path, names, found):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    with pytest.raises(SpecError) as caught:
        check_models(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}: expected NAME/VERSION/<file or folder>, found {found}"
    )


def test_a_model_name_without_a_version_is_refused(tmp_path):
    (tmp_path / "m").mkdir()

    with pytest.raises(SpecError, match=r"found m$"):
        check_models(tmp_path)


def test_a_missing_models_folder_is_reported_with_the_option(tmp_path):
    with pytest.raises(SpecError, match="no such folder") as caught:
        check_models(tmp_path / "absent")

    assert "--models" in caught.value.hint
