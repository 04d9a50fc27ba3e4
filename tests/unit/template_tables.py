"""Write the tables of templates/README.md anew, from the templates and the classes themselves.

Usage: PYTHONPATH=src .venv/bin/python tests/unit/template_tables.py
"""

from scoredock.blocks import list_blocks
from scoredock.names import list_filters, list_names
from scoredock.paths import TEMPLATES
from scoredock.templates import OUTPUTS, load_templates

README = TEMPLATES / "README.md"
BEGIN = "<!-- tables: tests/unit/template_tables.py writes them -->\n"


def tables():
    templates = load_templates()
    blocks = list_blocks(templates)
    parts = [
        table(
            f"Blocks of {name}, in their order",
            ("block", "holds"),
            [(f"`{b.shipped.name}`", b.shipped.purpose) for b in blocks if b.template == name],
        )
        for name in OUTPUTS
    ]
    names = [(f"`{name.name}`", f"`{name.type}`", name.meaning) for name in list_names()]
    parts.append(table("Names", ("name", "type", "is"), names))
    filters = [(f"`{name}`", purpose) for name, purpose in list_filters(templates)]
    parts.append(table("Filters: every value goes through one", ("filter", "does"), filters))
    return "\n".join(parts)


def table(title, heads, rows):
    cells = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (heads, *rows)]
    lines = [f"| {line} |\n" for line in cells]
    return f"## {title}\n\n" + "".join([lines[0], "|---" * len(heads) + "|\n", *lines[1:]])


def fresh_readme():
    return README.read_text(encoding="utf-8").partition(BEGIN)[0] + BEGIN + "\n" + tables()


if __name__ == "__main__":
    README.write_text(fresh_readme(), encoding="utf-8")
