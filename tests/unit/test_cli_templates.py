import pytest

from scoredock.names import list_filters, list_names
from scoredock.templates import load_templates

from .builders import NAMES, SPEC

EXTENDS = '{% extends "shipped/Dockerfile.j2" %}\n'


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "Dockerfile.j2").write_text(f"{EXTENDS}{{% block user %}}\nUSER 1\n{{% endblock %}}")
    return folder


def test_every_block_is_listed_with_its_template_its_place_and_its_purpose(run, mine):
    result = run("templates", "list", "--templates", mine)

    rows = {tuple(line.split()[:2]): line for line in result.stdout.splitlines()}
    assert f"  {mine}/Dockerfile.j2:2  Who the service runs as" in rows["Dockerfile.j2", "user"]
    assert "  shipped  " in rows["Dockerfile.j2", "system"]
    assert ("conda_dependencies.yml.j2", "pip") in rows


def test_the_folder_of_overrides_may_be_set_in_the_environment(run, mine):
    result = run("templates", "list", TEMPLATES_DIR=str(mine))

    assert f"{mine}/Dockerfile.j2:2" in result.stdout


def test_a_block_is_shown_with_its_text_its_override_and_every_name_and_filter(run, mine):
    result = run("templates", "show", "user", "--templates", mine)

    assert "Dockerfile.j2, block user: Who the service runs as" in result.stdout
    assert "\n  USER 1000:1000\n" in result.stdout
    assert f"overridden: {mine}/Dockerfile.j2:2\n\n  USER 1\n" in result.stdout
    words = result.stdout.split()
    filters = [name for name, _ in list_filters(load_templates())]
    assert [name for name in [*NAMES, *filters] if name not in words] == []


def test_what_a_block_prints_is_told(run):
    result = run("templates", "show", "name")

    assert "it prints: env.name\n" in result.stdout
    assert "through the filters: yaml\n" in result.stdout


def test_a_block_that_does_not_exist_is_an_error_with_the_list_of_those_that_do(run):
    result = run("templates", "show", "usr")

    assert (result.returncode, result.stdout) == (3, "")
    assert "error: no block 'usr'; the blocks are base, system, " in result.stderr


def test_a_block_of_another_template_is_not_found(run):
    result = run("templates", "show", "user", "--template", "conda_dependencies.yml.j2")

    assert result.returncode == 3
    assert "the blocks are name, channels, conda, pip, constraints\n" in result.stderr


def test_eject_makes_the_folder_and_prints_where_the_copy_is(run, tmp_path):
    result = run("templates", "eject", "start", "--templates", "new/deep")

    assert (result.returncode, result.stdout) == (0, "new/deep/Dockerfile.j2:3\n")
    text = (tmp_path / "new" / "deep" / "Dockerfile.j2").read_text()
    assert text.startswith(f"{EXTENDS}\n{{% block start %}}\n{{# COPIED from ")
    assert "\nEXPOSE 5001\n" in text


def test_eject_leaves_an_override_as_it_is(run, mine):
    before = (mine / "Dockerfile.j2").read_text()

    result = run("templates", "eject", "user", "--templates", mine)

    assert (result.returncode, result.stdout) == (3, "")
    assert f"error: {mine}/Dockerfile.j2:2 overrides 'user' already" in result.stderr
    assert (mine / "Dockerfile.j2").read_text() == before


@pytest.mark.parametrize("command", [["eject", "user"], ["diff"]])
def test_a_command_that_needs_a_folder_of_overrides_says_how_to_name_it(run, command):
    result = run("templates", *command)

    assert result.returncode == 3
    assert "hint: pass --templates DIR, or set TEMPLATES_DIR" in result.stderr


def test_a_file_in_place_of_the_folder_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("")

    result = run("templates", "eject", "user", "--templates", "file")

    assert result.returncode == 2
    assert "error: file: cannot be written: " in result.stderr
    assert "Traceback" not in result.stderr


def test_diff_prints_what_each_override_changes_and_no_more(run, mine):
    result = run("templates", "diff", "--templates", mine)

    lines = result.stdout.splitlines()
    assert lines[:2] == ["--- shipped/Dockerfile.j2 user", f"+++ {mine}/Dockerfile.j2:2"]
    assert "-USER 1000:1000" in lines
    assert lines[-1] == "+USER 1"


def test_diff_shows_what_changes_in_the_rendered_file_of_a_spec(run, mine, write_spec, digits):
    options = ["--spec", write_spec(SPEC), "--source", digits]

    result = run("templates", "diff", "--templates", mine, *options)

    rendered = result.stdout.partition("--- Dockerfile as shipped\n")[2]
    assert "\n-USER 1000:1000\n" in rendered
    assert "\n+USER 1\n" in rendered
    assert "conda_dependencies.yml" not in rendered


def test_diff_of_a_template_of_ones_own_is_that_of_the_files(run, mine):
    (mine / "Dockerfile.j2").write_text("FROM mine\n")

    result = run("templates", "diff", "--templates", mine)

    assert result.stdout.startswith(f"--- shipped/Dockerfile.j2\n+++ {mine}/Dockerfile.j2\n")
    assert result.stdout.endswith("\n+FROM mine\n")


def test_diff_says_so_where_an_override_changes_nothing(run, tmp_path):
    run("templates", "eject", "user", "--templates", "mine")

    result = run("templates", "diff", "--templates", "mine")

    assert result.stdout == ""
    assert "note: mine/Dockerfile.j2:3 says what shipped/Dockerfile.j2 user says" in result.stderr


@pytest.mark.parametrize("command", [["list"], ["show", "user"], ["diff"]])
def test_an_outdated_copy_is_warned_of(run, mine, command):
    copy = "{# COPIED from shipped/Dockerfile.j2, text 0123456789ab #}"
    (mine / "Dockerfile.j2").write_text(
        f"{EXTENDS}{{% block user %}}\n{copy}\nUSER 1\n{{% endblock %}}"
    )

    result = run("templates", *command, "--templates", mine)

    assert result.returncode == 0
    assert f"warning: {mine}/Dockerfile.j2:2: the shipped block 'user' has changed" in result.stderr


def test_rendering_with_an_outdated_copy_warns_of_it(render, mine):
    command, _ = render
    path = mine / "Dockerfile.j2"
    copy = "{# COPIED from shipped/Dockerfile.j2, text 0123456789ab #}"
    path.write_text(path.read_text().replace("USER 1", f"{copy}\nUSER 1"))

    result = command("--templates", mine)

    assert result.returncode == 0
    assert f"warning: {path}:2: the shipped block 'user' has changed" in result.stderr


def test_a_group_without_a_command_shows_its_help(run):
    result = run("templates")

    assert result.returncode == 2
    assert result.stderr.startswith("Usage: scoredock templates ")


def test_every_name_has_a_type_and_a_meaning():
    assert [name for name in list_names() if not (name.type and name.meaning)] == []
    assert [name for name, purpose in list_filters(load_templates()) if not purpose] == []


def test_the_fields_of_an_item_are_named_below_its_list():
    types = {name.name: name.type for name in list_names()}

    assert types["env.pip_packages"] == "tuple[PipPackage, ...]"
    assert types["env.pip_packages[].replaced"] == "str"
    assert types["env.variables"] == "tuple[tuple[str, str], ...]"
    assert '"none"' in types["env.installer"].split(" | ")
