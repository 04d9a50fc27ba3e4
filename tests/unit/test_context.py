import re
import shutil
import stat

import pytest

from scoredock.context import write_context, write_rendered
from scoredock.errors import SpecError
from scoredock.paths import CONTEXT

RENDERED = {"Dockerfile": "FROM scratch\n", "conda_dependencies.yml": "name: x\n"}
# Python's strings can hold it, no file in UTF-8 can.
UNWRITABLE = {"Dockerfile": "FROM new\n", "conda_dependencies.yml": "\ud800"}


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def write(folder, source, rendered=RENDERED):
    return write_context(folder, rendered, source, leave_out=source / "models")


def test_everything_that_a_build_needs_is_in_the_context(tmp_path, digits):
    context = write(tmp_path / "context", digits)

    assert context == tmp_path / "context"
    assert {
        "Dockerfile",
        "conda_dependencies.yml",
        "entrypoint.sh",
        "healthcheck.py",
        "install/create_environment.py",
        "server/pyproject.toml",
        "code/score.py",
    } <= files(context)
    assert (context / "Dockerfile").read_text() == "FROM scratch\n"
    assert any(name.startswith("server/scoredock_server/") for name in files(context))


def test_every_file_that_the_shipped_dockerfile_copies_is_in_the_context(tmp_path, digits):
    copied = [
        word
        for line in (CONTEXT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
        if "[" not in word  # what is there for some builds only
    ]

    context = write(tmp_path / "context", digits)

    assert copied
    assert [name for name in copied if not (context / name).exists()] == []


def test_the_code_keeps_its_folders_and_leaves_out_the_models_and_caches(tmp_path, digits):
    (digits / "deep" / "__pycache__").mkdir(parents=True)
    (digits / "deep" / "helper.py").write_text("")
    (digits / "deep" / "__pycache__" / "helper.cpython-311.pyc").write_text("")
    (digits / "__pycache__").mkdir()
    (digits / "__pycache__" / "score.cpython-311.pyc").write_text("")
    (digits / "models.py").write_text("")

    context = write(tmp_path / "context", digits)

    assert files(context / "code") == {"score.py", "models.py", "deep/helper.py"}


def test_linked_files_and_folders_are_in_the_context(tmp_path, digits):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "helper.py").write_text("shared")
    (digits / "linked").symlink_to(tmp_path / "shared")
    (digits / "linked.py").symlink_to(tmp_path / "shared" / "helper.py")

    context = write(tmp_path / "context", digits)

    assert (context / "code" / "linked.py").read_text() == "shared"
    assert (context / "code" / "linked" / "helper.py").read_text() == "shared"


def test_caches_of_the_server_are_left_out(monkeypatch, tmp_path, digits):
    kit = shutil.copytree(CONTEXT, tmp_path / "kit")
    for name in ("__pycache__/app.cpython-311.pyc", "app.pyc", "server.egg-info/PKG-INFO"):
        (kit / "server" / name).parent.mkdir(exist_ok=True)
        (kit / "server" / name).write_text("")
    monkeypatch.setattr("scoredock.context.CONTEXT", kit)

    context = write(tmp_path / "context", digits)

    assert "server/pyproject.toml" in files(context)
    assert [name for name in files(context) if re.search(r"pycache|\.pyc|egg-info", name)] == []


def test_what_dockerignore_names_is_left_out(tmp_path, digits):
    (digits / ".dockerignore").write_text("# data\n\n  *.csv  \n**/secret\n!kept.csv\ntrain.py\n")
    (digits / "deep").mkdir()
    for name in ("big.csv", "kept.csv", "train.py", "secret", "deep/secret", "# data"):
        (digits / name).write_text("")

    context = write(tmp_path / "context", digits)

    assert files(context / "code") - {".dockerignore"} == {"score.py", "kept.csv", "# data"}


def test_a_context_can_be_read_by_the_engines_user(tmp_path, digits):
    context = write(tmp_path / "deep" / "context", digits)

    assert stat.S_IMODE(context.stat().st_mode) == 0o755


def test_a_second_call_replaces_the_context_as_a_whole(tmp_path, digits):
    (digits / "old.py").write_text("")
    write(tmp_path / "context", digits, {**RENDERED, "Dockerfile": "FROM old\n"})
    (digits / "old.py").unlink()

    context = write(tmp_path / "context", digits)

    assert files(context / "code") == {"score.py"}
    assert (context / "Dockerfile").read_text() == "FROM scratch\n"


def test_a_context_that_cannot_be_written_leaves_the_old_one_and_nothing_else(tmp_path, digits):
    folder = tmp_path / "contexts" / "digits"
    write(folder, digits)
    before = files(folder)

    with pytest.raises(UnicodeEncodeError):
        write(folder, digits, UNWRITABLE)

    assert files(folder) == before
    assert (folder / "Dockerfile").read_text() == "FROM scratch\n"
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("place", [".", "out", "out/context"])
def test_a_context_cannot_lie_in_the_source_folder_that_it_copies(digits, place):
    before = files(digits)

    with pytest.raises(SpecError, match=r"lies in the source folder|earlier context"):
        write(digits / place, digits)

    assert files(digits) == before


def test_a_file_is_not_replaced_by_a_context(tmp_path, digits):
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(SpecError, match="is not a folder"):
        write(tmp_path / "thesis.txt", digits)

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_is_not_a_context_is_not_replaced(tmp_path, digits):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")

    with pytest.raises(SpecError):
        write(precious, digits)

    assert files(precious) == {"thesis.txt"}


def test_an_empty_folder_is_filled(tmp_path, digits):
    (tmp_path / "empty").mkdir()

    context = write(tmp_path / "empty", digits)

    assert "Dockerfile" in files(context)


def test_a_rendered_file_that_cannot_be_written_leaves_the_old_ones(tmp_path):
    write_rendered(RENDERED, tmp_path)

    with pytest.raises(UnicodeEncodeError):
        write_rendered(UNWRITABLE, tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == RENDERED


def test_rendered_files_leave_others_beside_them_alone(tmp_path):
    (tmp_path / "azureml_environment.json").write_text("{}")

    write_rendered(RENDERED, tmp_path)

    assert files(tmp_path) == {"azureml_environment.json", *RENDERED}


def test_rendered_files_have_the_same_line_breaks_on_every_system(tmp_path):
    write_rendered(RENDERED, tmp_path / "new" / "deep")

    assert (tmp_path / "new" / "deep" / "Dockerfile").read_bytes() == b"FROM scratch\n"


def test_a_link_to_a_folder_that_holds_it_is_refused(tmp_path, digits):
    (digits / "again").symlink_to(digits, target_is_directory=True)

    with pytest.raises(SpecError, match="again: links to a folder that holds it"):
        write(tmp_path / "context", digits)

    assert not (tmp_path / "context").exists()


def test_models_that_would_take_the_source_with_them_are_refused(tmp_path, digits):
    with pytest.raises(SpecError, match="the model folder holds the source folder"):
        write_context(tmp_path / "context", RENDERED, digits, leave_out=digits.parent)
