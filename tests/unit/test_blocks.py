import pytest

from scoredock.blocks import eject_block, find_blocks, list_blocks, outdated_overrides, uses
from scoredock.errors import TemplateError
from scoredock.paths import TEMPLATES
from scoredock.render import render
from scoredock.templates import OUTPUTS, load_templates

from .builders import CODE, resolved

EXTENDS = '{% extends "shipped/Dockerfile.j2" %}\n'
BLOCKS = [(block.template, block.shipped.name) for block in list_blocks(load_templates())]


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def block_of(name, templates, template="Dockerfile.j2"):
    [found] = [
        block
        for block in list_blocks(templates)
        if (block.template, block.shipped.name) == (template, name)
    ]
    return found


def eject(name, folder, template="Dockerfile.j2"):
    overrides = folder if list(folder.glob("*.j2")) else None
    found = block_of(name, load_templates(overrides), template)
    text, line = eject_block(found, folder / template)
    (folder / template).write_text(text)
    return line


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% block a %}\nRUN x\n{% endblock %}\n", "RUN x\n"),
        ("{% block a %}RUN x{% endblock %}", "RUN x"),
        ("{% block a %}\n{# Why. #}\nRUN x\n{% endblock a %}\n", "RUN x\n"),
        ("{%- block a -%}\n  {#- Why. -#}\n  RUN x\n{%- endblock -%}", "RUN x\n"),
        ("{% block a %}\n\n  {# Why. #}\n\nRUN x\n{% endblock %}", "\nRUN x\n"),
        ("{% block a %}\n{# Why. #}\n{% endblock %}", ""),
        ("{% block a %}{% endblock %}", ""),
        ("{% block a %}{{ super() }}\nRUN x{# no #}{% endblock %}", "{{ super() }}\nRUN x{# no #}"),
        (
            "{% block a %}{% raw %}{% block no %}{% endraw %}{% endblock %}",
            "{% raw %}{% block no %}{% endraw %}",
        ),
        ("é{# {% block no %} #}\r\n{% block a %}\r\né\r\n{% endblock %}", "é\n"),
    ],
)
def test_the_text_of_a_block_is_what_stands_below_its_first_comments(source, text):
    [block] = find_blocks(source.replace("\r\n", "\n"), load_templates())

    assert (block.name, block.text) == ("a", text)


def test_blocks_inside_blocks_are_found_with_their_lines():
    source = "{% block a %}\n{% block b %}\nRUN b\n{% endblock %}\n{% endblock %}\n"

    found = find_blocks(source, load_templates())

    assert [(block.name, block.line) for block in found] == [("a", 1), ("b", 2)]
    assert found[0].text == "{% block b %}\nRUN b\n{% endblock %}\n"


def test_a_purpose_over_several_lines_is_one():
    [block] = find_blocks("{% block a %}{# One,\n   two. #}{% endblock %}", load_templates())

    assert block.purpose == "One, two."


@pytest.mark.parametrize(("template", "name"), BLOCKS)
def test_every_shipped_block_says_what_it_is_for(template, name):
    purpose = block_of(name, load_templates(), template).shipped.purpose

    assert purpose.endswith(".")
    assert len(purpose) > 10


def test_every_block_that_jinja_knows_is_listed():
    templates = load_templates()
    known = {(name, block) for name in OUTPUTS for block in templates.get_template(name).blocks}

    assert set(BLOCKS) == known


def test_what_a_block_prints_and_tests_is_what_it_uses():
    text = "{% if env.version %}{{ env.name | yaml }}{% endif %}{% for p in env.channels %}{{ p }}"

    assert uses(f"{text}{{% endfor %}}", load_templates()) == (
        ["env.channels", "env.name", "env.version"],
        ["yaml"],
    )


def test_an_override_is_found_with_file_and_line(mine):
    (mine / "Dockerfile.j2").write_text(f"{EXTENDS}\n{{% block user %}}USER 1{{% endblock %}}\n")

    templates = load_templates(mine)

    assert str(block_of("user", templates).override) == f"{mine}/Dockerfile.j2:3"
    assert block_of("user", templates).override.block.text == "USER 1"
    assert block_of("system", templates).override is None


def test_an_override_is_found_in_a_file_that_the_template_extends(mine):
    (mine / "_company.j2").write_text(
        f"{EXTENDS}{{% block user %}}USER 1{{% endblock %}}{{% block system %}}{{% endblock %}}"
    )
    (mine / "Dockerfile.j2").write_text(
        '{% extends "_company.j2" %}\n{% block user %}USER 2{% endblock %}'
    )

    templates = load_templates(mine)

    assert str(block_of("user", templates).override) == f"{mine}/Dockerfile.j2:2"
    assert str(block_of("system", templates).override) == f"{mine}/_company.j2:2"


def test_a_template_of_ones_own_overrides_every_block(mine):
    (mine / "Dockerfile.j2").write_text("FROM x\n")

    templates = load_templates(mine)

    assert str(block_of("user", templates).override) == f"{mine}/Dockerfile.j2 as a whole"
    assert block_of("name", templates, "conda_dependencies.yml.j2").override is None


def test_the_shipped_folder_overrides_nothing():
    assert {block.override for block in list_blocks(load_templates(TEMPLATES))} == {None}


@pytest.mark.parametrize(("template", "name"), BLOCKS)
def test_an_ejected_block_changes_nothing_in_what_is_rendered(mine, template, name):
    eject(name, mine, template)

    body = {n: text.split("\n", 2)[2] for n, text in render_with(mine).items()}
    assert body == {n: text.split("\n", 2)[2] for n, text in render_with(None).items()}
    assert block_of(name, load_templates(mine), template).override


def render_with(overrides):
    return render(resolved(), CODE, load_templates(overrides))


def test_a_second_block_goes_below_the_first_and_what_was_there_stays(mine):
    path = mine / "Dockerfile.j2"
    path.write_text(f"{EXTENDS}{{% block user %}}USER 1{{% endblock %}}")

    line = eject("start", mine)

    assert path.read_text().startswith(f"{EXTENDS}{{% block user %}}USER 1{{% endblock %}}\n\n")
    assert path.read_text().splitlines()[line - 1] == "{% block start %}"
    assert "USER 1" in render_with(mine)["Dockerfile"]


@pytest.mark.parametrize(
    "text",
    [
        f"{EXTENDS}{{% block user %}}USER 1{{% endblock %}}",
        "FROM x\n",
        f"{EXTENDS}{{% block system %}}{{% block user %}}{{% endblock %}}{{% endblock %}}",
    ],
)
def test_a_block_that_is_overridden_is_not_ejected(mine, text):
    (mine / "Dockerfile.j2").write_text(text)

    with pytest.raises(TemplateError, match=f"{mine}/Dockerfile.j2.* overrides 'user' already"):
        eject("user", mine)


def test_nothing_is_ejected_into_the_shipped_folder():
    with pytest.raises(TemplateError, match="folder of the shipped templates"):
        eject_block(block_of("user", load_templates()), TEMPLATES / "Dockerfile.j2")


def changed_kit(tmp_path, old, new):
    """The shipped templates of another version of the kit."""
    folder = tmp_path / "other-kit"
    folder.mkdir()
    for name in OUTPUTS:
        text = (TEMPLATES / name).read_text()
        assert old in text or name != "Dockerfile.j2"
        (folder / name).write_text(text.replace(old, new))
    return folder


def test_a_copy_of_a_block_that_has_changed_since_is_warned_of_with_its_place(mine, tmp_path):
    eject("system", mine)
    line = eject("user", mine)
    kit = changed_kit(tmp_path, "USER 1000:1000", "USER 1001:1001")

    warnings = outdated_overrides(load_templates(mine, kit))

    assert len(warnings) == 1
    assert warnings[0].startswith(
        f"{mine}/Dockerfile.j2:{line}: the shipped block 'user' has changed since it was copied"
    )


def test_a_copy_that_was_edited_is_not_warned_of_while_the_shipped_block_stays(mine):
    eject("user", mine)
    path = mine / "Dockerfile.j2"
    path.write_text(path.read_text().replace("1000:1000", "1001:1001"))

    assert outdated_overrides(load_templates(mine)) == []


def test_another_purpose_is_no_change_of_a_block(mine, tmp_path):
    eject("user", mine)
    purpose = block_of("user", load_templates()).shipped.purpose
    kit = changed_kit(tmp_path, purpose, "Something else.")

    assert outdated_overrides(load_templates(mine, kit)) == []


def test_the_hash_that_the_warning_names_ends_it(mine, tmp_path):
    eject("user", mine)
    kit = changed_kit(tmp_path, "USER 1000:1000", "USER 1001:1001")
    [warning] = outdated_overrides(load_templates(mine, kit))
    path = mine / "Dockerfile.j2"
    old = block_of("user", load_templates(mine)).override.block.copied_text

    path.write_text(path.read_text().replace(old, warning.split("write ")[1].split()[0]))

    assert outdated_overrides(load_templates(mine, kit)) == []


def test_a_block_that_was_not_copied_is_not_warned_of(mine, tmp_path):
    (mine / "Dockerfile.j2").write_text(f"{EXTENDS}{{% block user %}}USER 1{{% endblock %}}")
    kit = changed_kit(tmp_path, "USER 1000:1000", "USER 1001:1001")

    assert outdated_overrides(load_templates(mine, kit)) == []
