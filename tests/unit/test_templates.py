import pytest

from scoredock.errors import TemplateError
from scoredock.render import render
from scoredock.templates import OUTPUTS, load_templates

from .builders import CODE, NAMES, resolved

EXTENDS = '{% extends "shipped/Dockerfile.j2" %}\n'


@pytest.fixture
def overrides(tmp_path):
    folder = tmp_path / "overrides"
    folder.mkdir()
    return folder


def dockerfile(overrides=None):
    return render(resolved(), CODE, load_templates(overrides))["Dockerfile"]


def test_an_override_replaces_one_block_and_leaves_the_rest(overrides):
    (overrides / "Dockerfile.j2").write_text(
        EXTENDS + "{% block user %}\nUSER 65534\n{% endblock %}\n"
    )

    text = dockerfile(overrides)

    shipped = dockerfile()
    assert "\nUSER 65534\n" in text
    assert "USER 1000:1000" in shipped
    assert "USER 1000:1000" not in text
    assert text.splitlines()[-1] == shipped.splitlines()[-1]


def test_super_gives_the_shipped_block_to_the_override(overrides):
    (overrides / "Dockerfile.j2").write_text(
        EXTENDS + "{% block user %}\nRUN before\n{{ super() }}RUN after\n{% endblock %}\n"
    )

    text = dockerfile(overrides)

    assert text.index("RUN before\n") < text.index("USER 1000:1000\n") < text.index("RUN after\n")


def test_a_template_that_extends_nothing_takes_the_place_of_the_shipped_one(overrides):
    (overrides / "Dockerfile.j2").write_text(
        "  {% if env.name %}\nFROM {{ env.base_image }}\n  {% endif %}\n{% block mine %}\n"
        "USER 1\n{% endblock %}\nUSER 2\n"
    )

    text = dockerfile(overrides)

    assert text.split("\n", 2)[2] == "FROM python:3.8-slim\nUSER 1\nUSER 2\n"


def test_a_template_without_an_override_is_the_shipped_one(overrides):
    (overrides / "conda_dependencies.yml.j2").write_text("name: x\n")

    text = dockerfile(overrides)

    assert text == dockerfile()


def test_an_override_may_include_a_file_that_begins_with_an_underscore(overrides):
    (overrides / "_partial.j2").write_text("RUN from-the-partial {{ env.name }}\n")
    (overrides / "Dockerfile.j2").write_text(
        EXTENDS + '{% block system %}\n{% include "_partial.j2" %}\n{% endblock %}\n'
    )

    text = dockerfile(overrides)

    assert "\nRUN from-the-partial mnist\n" in text


def test_a_misspelled_block_is_refused_with_the_list_of_the_real_ones(overrides):
    (overrides / "Dockerfile.j2").write_text(EXTENDS + "{% block sytem %}x{% endblock %}\n")

    with pytest.raises(TemplateError, match="no block 'sytem'") as caught:
        load_templates(overrides)

    blocks = load_templates().get_template("Dockerfile.j2").blocks
    assert str(caught.value).endswith(f"its blocks are {', '.join(blocks)}")
    assert "system" in blocks


def test_a_block_inside_a_block_of_the_override_is_its_own(overrides):
    (overrides / "Dockerfile.j2").write_text(
        EXTENDS + "{% block system %}{% block mine %}RUN mine{% endblock %}{% endblock %}\n"
    )

    assert "RUN mine" in dockerfile(overrides)


@pytest.mark.parametrize("name", ["Dockerfil.j2", "dockerfile.j2", "conda_dependencies.j2"])
def test_a_misspelled_file_name_is_refused_with_the_real_ones(overrides, name):
    (overrides / name).write_text("FROM scratch\n")

    with pytest.raises(TemplateError) as caught:
        load_templates(overrides)

    assert str(caught.value) == (f"{overrides}: expected {' or '.join(OUTPUTS)}, found {name}")


@pytest.mark.parametrize("name", ["Dockerfile", "_partial.j2", "notes.txt"])
def test_a_folder_without_a_template_is_refused(overrides, name):
    (overrides / name).write_text("FROM scratch\n")

    with pytest.raises(TemplateError, match="found neither"):
        load_templates(overrides)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(TemplateError, match=f"no template folder at {tmp_path}/absent"):
        load_templates(tmp_path / "absent")


def test_a_syntax_error_is_reported_with_file_and_line(overrides):
    (overrides / "Dockerfile.j2").write_text(
        EXTENDS + "{% block user %}\n{{ env.name {% endblock %}"
    )

    with pytest.raises(TemplateError) as caught:
        dockerfile(overrides)

    assert str(caught.value).startswith(f"{overrides}/Dockerfile.j2:3: ")


def test_a_syntax_error_of_an_included_file_is_reported_with_file_and_line(overrides):
    (overrides / "_partial.j2").write_text("RUN ok\n{% if %}\n")
    (overrides / "Dockerfile.j2").write_text('FROM scratch\n{% include "_partial.j2" %}\n')

    with pytest.raises(TemplateError, match=r"_partial\.j2:2: "):
        dockerfile(overrides)


@pytest.mark.parametrize("expression", ["env.nmae", "nmae", "code.nmae"])
def test_a_name_that_is_not_defined_is_reported_with_its_line(overrides, expression):
    (overrides / "Dockerfile.j2").write_text(
        EXTENDS + "{% block user %}\nUSER 1\nRUN {{ " + expression + " }}\n{% endblock %}\n"
    )

    with pytest.raises(TemplateError, match="'nmae'") as caught:
        dockerfile(overrides)

    assert str(caught.value).startswith(f"{overrides}/Dockerfile.j2:4: ")


def test_a_name_that_is_not_defined_is_reported_with_the_list_of_those_that_are(overrides):
    (overrides / "Dockerfile.j2").write_text("FROM {{ image }}\n")

    with pytest.raises(TemplateError) as caught:
        dockerfile(overrides)

    assert str(caught.value).endswith(f"; the names are {', '.join(NAMES)}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{% include "absent.j2" %}', id="includes a file that is not there"),
        pytest.param('{% extends "shipped/Dockerfil.j2" %}', id="extends one that is not there"),
        pytest.param('{% extends "Dockerfile.j2" %}', id="extends itself"),
        pytest.param("{{ env.name | absent }}", id="uses a filter that is not there"),
        pytest.param("{{ 'a b' | variable_name }}", id="puts a wrong value into a filter"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_a_template_error(overrides, text):
    (overrides / "Dockerfile.j2").write_text(text)

    with pytest.raises(TemplateError):
        dockerfile(overrides)


def test_a_template_that_is_not_utf_8_is_a_template_error(overrides):
    (overrides / "Dockerfile.j2").write_bytes("# é\nFROM scratch\n".encode("latin-1"))

    with pytest.raises(TemplateError):
        dockerfile(overrides)


@pytest.mark.parametrize("lost", ["RUN apt-get update", "{{ env.name }}"])
def test_text_outside_of_every_block_is_refused(overrides, lost):
    (overrides / "Dockerfile.j2").write_text(
        f"{EXTENDS}\n{lost}\n{{% block user %}}{{% endblock %}}"
    )

    with pytest.raises(TemplateError, match="outside of every block would be lost"):
        load_templates(overrides)


def test_a_value_that_a_filter_cannot_take_is_reported_with_file_and_line(overrides):
    (overrides / "Dockerfile.j2").write_text("FROM x\n{{ env.channels | dockerfile_quote }}\n")

    with pytest.raises(TemplateError) as caught:
        dockerfile(overrides)

    assert str(caught.value).startswith(f"{overrides}/Dockerfile.j2:2: ")
