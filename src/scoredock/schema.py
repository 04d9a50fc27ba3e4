"""The JSON Schema of azureml_environment.json, for editors.

Usage: python -m scoredock.schema > docs/azureml_environment.schema.json
"""

import ast
import inspect
import json
import textwrap
from itertools import pairwise

from scoredock import spec
from scoredock.spec import EnvironmentSpec, Section

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """Return the schema; what the fields mean is taken from the text below each of them."""
    schema = EnvironmentSpec.model_json_schema(by_alias=True)
    sections = {"EnvironmentSpec": schema, **schema.get("$defs", {})}
    for name, section in sections.items():
        model = getattr(spec, name)
        # An unknown key is a warning of the reader, and is marked by the editor.
        section["additionalProperties"] = False
        for field in section["properties"].values():
            field.pop("title", None)
        for field, text in _meanings(model).items():
            section["properties"][model.model_fields[field].alias]["description"] = text
    schema["properties"]["$schema"] = {"type": "string", "description": "This schema."}
    head = {"$schema": _DIALECT, "title": spec.SPEC_FILE, "description": schema.pop("description")}
    del schema["title"]
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


def _meanings(model: type[Section]) -> dict[str, str]:
    """Return the text below each field of the class, by the field's name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = [node for each in tree.body if isinstance(each, ast.ClassDef) for node in each.body]
    meanings = {}
    for field, below in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and field.target.id in model.model_fields
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            meanings[field.target.id] = " ".join(str(below.value.value).split())
    return meanings


if __name__ == "__main__":
    print(schema_text(), end="")
