"""Write services.tsv: what `service deploy -f` reads of every real file of a deployment.

Or the class of its refusal.

Usage: PYTHONPATH=src:tests .venv/bin/python tests/corpus/service_table.py
"""

import csv
import re

from corpus.table import DATA, FILES, HERE

from scoredock.errors import SpecError
from scoredock.formats.service_files import read_service
from scoredock.formats.service_reading import Reference, Said

EXPECTED = HERE / "services.tsv"
COLUMNS = ("file", "result", "name", "environment", "models", "script")
SERVICES = [
    file for file in FILES if file.startswith("deploy/") or "inferenceconfig" in file.lower()
]
# Why a file is refused: the classes, by what their one line says.
CLASSES = {
    "placeholder not filled in": r"the placeholder \{\{.*\}\} is not filled in",
    "named file is missing": r"names '.*', which is not there|expected a Dockerfile at|: not found",
    "no entry script": r"code_configuration: expected code and scoring_script",
    "endpoint alone": r"an endpoint, which says nothing of what is to be served",
    "batch": r"a batch deployment, and a service answers requests",
    "not JSON or YAML": r"not JSON|not YAML",
}


def refusal_class(message):
    """Return the first class that fits a refusal, or the message where none does."""
    return next((name for name, text in CLASSES.items() if re.search(text, message)), message)


def expected():
    with EXPECTED.open(encoding="utf-8", newline="") as table:
        return {row["file"]: row for row in csv.DictReader(table, delimiter="\t")}


def row(file):
    """Return what the table holds for a file."""
    empty = dict.fromkeys(COLUMNS, "") | {"file": file}
    try:
        found = read_service([DATA / file], Said())
    except SpecError as error:
        return empty | {"result": refusal_class(str(error))}
    models = found.models or ()
    named = found.environment
    return empty | {
        "result": "service",
        "name": found.name,
        "environment": named.text if isinstance(named, Reference) else named.form,
        "models": ",".join(
            each.text if isinstance(each, Reference) else each.name for each in models
        ),
        "script": found.entry_script.replace(f"{DATA / file}".rpartition("/")[0], "."),
    }


if __name__ == "__main__":
    with EXPECTED.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(row, SERVICES))
