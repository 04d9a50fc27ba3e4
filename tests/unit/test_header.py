import re

import pytest

from scoredock import __version__
from scoredock.header import add_header, differences, is_edited, mark_copy, split_header
from scoredock.pip_packages import PipPackage
from scoredock.render import ScoringCode, render
from scoredock.spec import GENERATED
from scoredock.templates import load_templates

from .builders import CODE, resolved

FILE = add_header("FROM x\n", spec="aaaa", template="bbbb")
NAMES = ("Dockerfile", "conda_dependencies.yml")


def hashes(name, env=None, code=CODE, overrides=None):
    header, _ = split_header(render(env or resolved(), code, load_templates(overrides))[name])
    return header


def test_a_file_begins_with_two_comments_and_then_is_what_was_rendered():
    first, second, rest = FILE.split("\n", 2)

    assert first.startswith(f"{GENERATED} from azureml_environment.json")
    assert re.fullmatch(
        rf"# scoredock {__version__}, spec aaaa, template bbbb, body [0-9a-f]{{12}}", second
    )
    assert rest == "FROM x\n"


def test_a_file_names_what_its_spec_was_read_from_and_no_hash_is_of_the_names():
    files = ["env.yml", "../conda\nRUN.yml", "a.txt", "b.txt", "c.txt"]

    named = add_header("FROM x\n", spec="aaaa", template="bbbb", files=files)

    names = "env.yml, ../conda RUN.yml, a.txt and 2 more"
    assert named.splitlines()[0] == f"{GENERATED} from {names}: edit those, or the template."
    assert named.split("\n", 1)[1] == FILE.split("\n", 1)[1]
    assert not is_edited(named, fresh=FILE)
    assert differences(named, fresh=FILE) == []


def test_a_header_is_read_back():
    header, body = split_header(FILE)

    assert (header.kit, header.spec, header.template) == (__version__, "aaaa", "bbbb")
    assert body == "FROM x\n"


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text + "RUN more\n",
        lambda text: text + "\n",
        lambda text: text.replace("FROM x", "FROM  x"),
        lambda text: text.replace("FROM x\n", ""),
        lambda text: text.replace("FROM x\n", "FROM x"),
        lambda text: text.replace("# scoredock", "# mine\n# scoredock") + "RUN more\n",
        lambda text: "# syntax=docker/dockerfile:1\n" + text,
        lambda text: "FROM mine\n",
        lambda text: "",
    ],
)
def test_a_file_that_a_person_changed_is_edited(edit):
    assert is_edited(edit(FILE), fresh=FILE)


def test_a_file_as_it_was_written_is_not_edited_whatever_is_rendered_now():
    fresh = add_header("FROM y\n", spec="cccc", template="dddd")

    assert not is_edited(FILE, fresh=fresh)


def test_an_edit_that_the_spec_says_by_now_is_none():
    edited = FILE.replace("FROM x", "FROM y")

    assert not is_edited(edited, fresh=add_header("FROM y\n", spec="cccc", template="bbbb"))


@pytest.mark.parametrize("text", [FILE + "RUN more\n", "FROM mine", "FROM mine\n\n"])
def test_a_copy_of_an_edited_file_is_not_edited_until_somebody_edits_the_copy(text):
    copy = mark_copy(text)

    assert copy.startswith(text)
    assert not is_edited(copy, fresh=FILE)
    assert is_edited(copy.replace("FROM", "FROM  "), fresh=FILE)
    assert is_edited(f"{copy}RUN more\n", fresh=FILE)


def test_what_two_renders_were_not_made_from_alike_is_named():
    other = add_header("FROM x\n", spec="cccc", template="bbbb")

    assert differences(other, fresh=FILE) == ["spec"]
    assert differences(FILE.replace(__version__, "0.0.9"), fresh=other) == ["spec", "kit"]
    assert differences("FROM mine\n", fresh=FILE) == []


def test_a_variable_changes_the_dockerfile_and_leaves_the_cached_conda_file_alone():
    before, after = resolved(), resolved(variables=(("OTHER", "1"),))

    assert hashes("Dockerfile", before).spec != hashes("Dockerfile", after).spec
    assert hashes("conda_dependencies.yml", before) == hashes("conda_dependencies.yml", after)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changes",
    [{"name": "other"}, {"pip_packages": (PipPackage(requirement="scipy"),)}],
)
def test_what_a_file_prints_changes_its_hash_of_the_spec(name, changes):
    assert hashes(name).spec != hashes(name, resolved(**changes)).spec


def test_the_code_that_a_file_prints_counts_as_spec():
    other = ScoringCode(source_name="other", entry_script="score.py")

    assert hashes("Dockerfile", code=other).spec != hashes("Dockerfile").spec
    assert hashes("conda_dependencies.yml", code=other) == hashes("conda_dependencies.yml")


def test_a_template_that_takes_the_whole_environment_depends_on_all_of_it(tmp_path):
    (tmp_path / "conda_dependencies.yml.j2").write_text("# {{ env | string | comment }}\n")
    name = "conda_dependencies.yml"

    before = hashes(name, overrides=tmp_path)
    after = hashes(name, resolved(variables=(("OTHER", "1"),)), overrides=tmp_path)

    assert before.spec != after.spec


@pytest.mark.parametrize(
    ("included", "statement"),
    [("_a.j2", '{% include "_a.j2" %}'), ("_a.j2", '{% include "_" ~ "a.j2" %}')],
)
def test_a_file_that_a_template_includes_counts_as_template(tmp_path, included, statement):
    extends = '{% extends "shipped/Dockerfile.j2" %}'
    block = f"{extends}{{% block system %}}{statement}{{% endblock %}}"
    (tmp_path / "Dockerfile.j2").write_text(block)
    (tmp_path / included).write_text("RUN first\n")
    before = hashes("Dockerfile", overrides=tmp_path)
    (tmp_path / included).write_text("RUN second\n")

    after = hashes("Dockerfile", overrides=tmp_path)

    assert before.template != after.template
    assert before.spec == after.spec


def test_a_comment_of_a_template_changes_no_hash(tmp_path):
    template = tmp_path / "Dockerfile.j2"
    template.write_text("FROM x\n")
    before = hashes("Dockerfile", overrides=tmp_path)
    template.write_text("{# why #}\nFROM x\n{# and how #}\n")

    assert hashes("Dockerfile", overrides=tmp_path) == before
