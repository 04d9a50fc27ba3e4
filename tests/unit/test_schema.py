import json

import jsonschema
import pytest

from scoredock.paths import CONTEXT, KIT
from scoredock.schema import schema_text

PAGE = KIT / "docs" / "azureml_environment.schema.json"
CORPUS = KIT / "tests" / "corpus" / "data"
SAVED = sorted(CORPUS.rglob("azureml_environment.json"))


def problems(environment):
    validator = jsonschema.Draft202012Validator(json.loads(schema_text()))
    return [error.json_path for error in validator.iter_errors(environment)]


def test_the_committed_schema_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == schema_text()


def test_the_schema_itself_is_valid():
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize(
    "path", [*SAVED, CONTEXT / "azureml_environment.json"], ids=lambda path: path.parent.name
)
def test_what_the_reference_sdk_has_saved_follows_the_schema(path):
    assert problems(json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"nmae": "x"}, "$"),
        ({"docker": {"baseImages": "x"}}, "$.docker"),
        ({"python": {"userManagedDependencies": "false"}}, "$.python.userManagedDependencies"),
        ({"environmentVariables": {"A": []}}, "$.environmentVariables"),
        ({"docker": {"arguments": "--gpus all"}}, "$.docker"),
    ],
)
def test_an_editor_marks_what_the_reader_would_report(environment, place):
    assert [path for path in problems(environment) if path.startswith(place)]


def test_a_spec_may_name_its_schema_without_a_warning(write_spec):
    from scoredock.formats import read_spec

    conda = {"dependencies": ["python=3.11"]}
    folder = write_spec({"$schema": str(PAGE), "python": {"condaDependencies": conda}})

    _, warnings = read_spec(folder)

    assert warnings == []
    assert problems(json.loads((folder / "azureml_environment.json").read_text())) == []
