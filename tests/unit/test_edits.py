import pytest

from scoredock.edits import refuse_foreign, settle_edits
from scoredock.errors import SpecError
from scoredock.header import add_header

FRESH = {
    "Dockerfile": add_header("FROM x\n", spec="aaaa", template="bbbb"),
    "conda_dependencies.yml": add_header("name: x\n", spec="aaaa", template="bbbb"),
}
EDITED = FRESH["Dockerfile"] + "RUN by-hand\n"


@pytest.fixture
def beside(tmp_path):
    return folder_of_fresh_files(tmp_path / "spec")


@pytest.fixture
def context(tmp_path):
    return folder_of_fresh_files(tmp_path / "context")


def folder_of_fresh_files(folder):
    folder.mkdir()
    for name, text in FRESH.items():
        (folder / name).write_text(text)
    return folder


def settle(beside, context=None, **choice):
    said = []
    texts = settle_edits(
        FRESH, beside=beside, context=context, warn=said.append, note=said.append, **choice
    )
    return texts, said


def test_without_an_edit_the_fresh_texts_are_taken_in_silence(beside, context):
    assert settle(beside, context) == (FRESH, [])
    assert settle(beside, context, as_is=True) == (FRESH, [])


def test_every_edited_file_is_named(beside, context):
    (beside / "Dockerfile").write_text(EDITED)
    (context / "conda_dependencies.yml").write_text("name: mine\n")

    with pytest.raises(SpecError) as caught:
        settle(beside, context)

    assert caught.value.path == f"{beside}/Dockerfile and {context}/conda_dependencies.yml"


def test_line_breaks_of_another_system_are_no_edit(beside):
    (beside / "Dockerfile").write_bytes(FRESH["Dockerfile"].replace("\n", "\r\n").encode())

    assert settle(beside) == (FRESH, [])


def test_as_is_takes_the_edited_text_and_says_so(beside):
    (beside / "Dockerfile").write_text(EDITED)

    texts, said = settle(beside, as_is=True)

    assert texts["Dockerfile"].startswith(EDITED)
    assert texts["conda_dependencies.yml"] == FRESH["conda_dependencies.yml"]
    assert said == [f"{beside}/Dockerfile is used as it stands"]


def test_as_is_warns_where_the_spec_has_moved_on(beside):
    (beside / "Dockerfile").write_text(EDITED.replace("spec aaaa", "spec cccc"))

    _, said = settle(beside, as_is=True)

    assert said[1:] == [f"{beside}/Dockerfile was rendered from another spec, and then edited"]


def test_as_is_leaves_an_edit_of_the_context_what_it_is(beside, context):
    (context / "Dockerfile").write_text(EDITED)

    texts, _ = settle(beside, context, as_is=True)

    assert texts["Dockerfile"] == EDITED


def test_the_copy_of_an_edit_is_no_edit_of_the_context(beside, context):
    (beside / "Dockerfile").write_text(EDITED)
    texts, _ = settle(beside, context, as_is=True)
    (context / "Dockerfile").write_text(texts["Dockerfile"])
    (beside / "Dockerfile").write_text(FRESH["Dockerfile"])

    assert settle(beside, context) == (FRESH, [])


def test_of_two_edits_none_is_preferred(beside, context):
    (beside / "Dockerfile").write_text(EDITED)
    (context / "Dockerfile").write_text(f"{EDITED}RUN more\n")

    with pytest.raises(SpecError, match=f"{beside}/Dockerfile: .* {context}/Dockerfile"):
        settle(beside, context, as_is=True)


def test_force_renders_the_edited_file_anew_and_touches_no_other(beside, context):
    (beside / "Dockerfile").write_text(EDITED)
    (beside / "conda_dependencies.yml").unlink()

    texts, _ = settle(beside, context, force=True)

    assert texts == FRESH
    assert [path.name for path in beside.iterdir()] == ["Dockerfile"]
    assert (beside / "Dockerfile").read_text() == FRESH["Dockerfile"]


def test_a_dockerfile_of_ones_own_is_taken_where_it_is_asked_for(beside):
    (beside / "Dockerfile").write_text("FROM mine\n")

    assert settle(beside) == (FRESH, [])
    assert settle(beside, as_is=True)[0]["Dockerfile"].startswith("FROM mine\n")
    assert settle(beside, force=True)[0] == FRESH
    assert (beside / "Dockerfile").read_text() == "FROM mine\n"


def test_a_conda_file_of_ones_own_is_a_part_of_the_spec_and_never_taken(beside):
    (beside / "conda_dependencies.yml").write_text("dependencies: []\n")

    assert settle(beside) == (FRESH, [])
    assert settle(beside, as_is=True) == (FRESH, [])


@pytest.mark.parametrize("above", ["# syntax=docker/dockerfile:1\n", "# Copyright\n\n"])
def test_lines_above_the_header_make_a_file_an_edited_one(beside, above):
    (beside / "Dockerfile").write_text(above + FRESH["Dockerfile"])

    with pytest.raises(SpecError, match="edited by hand"):
        settle(beside)
    refuse_foreign(beside, FRESH)


def test_an_edited_file_that_is_not_utf_8_is_one_line(beside):
    (beside / "Dockerfile").write_bytes(EDITED.encode() + "# é\n".encode("latin-1"))

    with pytest.raises(SpecError, match=f"{beside}/Dockerfile: not UTF-8"):
        settle(beside, as_is=True)


def test_a_file_that_scoredock_did_not_write_is_named(beside):
    (beside / "Dockerfile").write_text("FROM mine\n")

    with pytest.raises(SpecError, match=f"{beside}/Dockerfile: scoredock did not write this file"):
        refuse_foreign(beside, FRESH)
