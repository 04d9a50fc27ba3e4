"""Write expected.tsv: what is made of every file of data/, or the class of its refusal.

And the summary of it in docs/specs.md.

Usage: PYTHONPATH=src:tests .venv/bin/python tests/corpus/table.py

Read the diff: the rows were checked against the files by other means (PyYAML, regular expressions).
"""

import csv
import re
from collections import Counter
from pathlib import Path

from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.paths import KIT
from scoredock.resolve import resolve

HERE = Path(__file__).parent
DATA = HERE / "data"
EXPECTED = HERE / "expected.tsv"
PAGE = KIT / "docs" / "specs.md"
# What the summary stands below, to the end of the page.
SUMMARY = "| result | files |\n|---|---|\n"
COLUMNS = ("file", "result", "form", "python", "channels", "conda", "pip")
FILES = sorted(
    str(path.relative_to(DATA))
    for path in DATA.rglob("*")
    if path.is_file() and path.name != "manifest.json"
)
# Why a file is refused: the classes, by what their one line says.
CLASSES = {
    "placeholder not filled in": r"the placeholder \{\{.*\}\} is not filled in",
    "named file is missing": r"names '.*', which is not there|expected a Dockerfile at|: not found",
    "deployment without environment": r"environment: expected an environment, found none",
    "environment of the cloud": r"an environment of the cloud",
    "context elsewhere": r"a build context elsewhere is not fetched",
    "endpoint": r"an endpoint, which has no environment",
    "another kind of file": r"not a form of an environment|found text|"
    r"image: expected str, found object|expected a requirement or an option of pip, found '\{",
    "not JSON or YAML": r"not JSON|not YAML",
    "Python too old": r"expected a version from 3\.6 to",
    "package of another machine": r"a package on this machine cannot be taken along",
}
INSTALLERS = ("pip", "conda", "none")


def refusal_class(message):
    """Return the class of a refusal, or the message where there is not exactly one for it."""
    found = [name for name, pattern in CLASSES.items() if re.search(pattern, message)]
    return found[0] if len(found) == 1 else message


def expected():
    with EXPECTED.open(encoding="utf-8", newline="") as table:
        return {row["file"]: row for row in csv.DictReader(table, delimiter="\t")}


def row(file):
    """Return what the table holds for a file."""
    empty = dict.fromkeys(COLUMNS, "") | {"file": file}
    form = ""
    try:
        reading = read(DATA / file)
        form = reading.form
        env, _ = resolve(reading.spec)
    except SpecError as error:
        return empty | {"result": refusal_class(str(error)), "form": form}
    return empty | {
        "result": env.installer,
        "form": form,
        "python": env.python_version,
        "channels": ",".join(env.channels),
        "conda": str(len(env.conda_packages)),
        "pip": str(len(env.pip_packages)),
    }


def summary():
    """Return the rows of the table in docs/specs.md: each result and how many files have it."""
    counted = Counter(row["result"] for row in expected().values())
    names = {name: f"installer `{name}`" for name in INSTALLERS}
    names |= {name: f"refused: {name}" for name, _ in counted.most_common() if name not in names}
    return "".join(f"| {text} | {counted[name]} |\n" for name, text in names.items())


if __name__ == "__main__":
    with EXPECTED.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(row, FILES))
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(SUMMARY)
    PAGE.write_text(head + SUMMARY + summary(), encoding="utf-8")
