import re

import jinja2
import pytest
from jinja2 import nodes

from scoredock.paths import TEMPLATES
from scoredock.templates import OUTPUTS, load_templates

from .builders import NAMES
from .template_tables import README, fresh_readme


def test_the_shipped_folder_has_a_template_for_each_output_and_no_other():
    assert sorted(path.name for path in TEMPLATES.glob("*.j2")) == sorted(OUTPUTS)


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_value_that_a_shipped_template_prints_goes_through_a_filter(name):
    tree = load_templates().parse((TEMPLATES / name).read_text())

    printed = [
        child
        for output in tree.find_all(nodes.Output)
        for child in output.nodes
        if not isinstance(child, nodes.TemplateData)
    ]

    assert printed
    assert [child for child in printed if not isinstance(child, nodes.Filter)] == []


def documented():
    own = set(load_templates().filters) - set(jinja2.Environment().filters)
    blocks = {block for name in OUTPUTS for block in load_templates().get_template(name).blocks}
    return sorted({*OUTPUTS, *NAMES, *own, *blocks})


@pytest.mark.parametrize("name", documented())
def test_the_readme_of_the_templates_names_every_block_name_and_filter(name):
    readme = README.read_text()
    code = " ".join(re.findall(r"```.*?```|`[^`]+`", readme, flags=re.DOTALL))

    assert re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", code)


def test_the_tables_of_that_readme_are_those_of_the_code():
    # PYTHONPATH=src .venv/bin/python tests/unit/template_tables.py
    assert README.read_text() == fresh_readme()
