import pytest

from scoredock.errors import SpecError
from scoredock.spec import read_spec

INLINE = {"dependencies": ["python=3.11", {"pip": ["numpy"]}]}
INLINE_PATH = "python.condaDependencies"


def with_conda(conda):
    return {"name": "x", "python": {"condaDependencies": conda}}


def test_a_wrong_pip_entry_in_the_json_file_is_reported_where_it_is(write_spec):
    folder = write_spec(with_conda({"dependencies": ["python=3.11", {"pip": [1]}]}))

    with pytest.raises(SpecError) as caught:
        read_spec(folder)

    assert (
        str(caught.value)
        == "python.condaDependencies.dependencies[1].pip[0]: expected str, found int"
    )


def test_a_wrong_pip_entry_in_the_conda_file_is_reported_where_it_is(write_spec):
    folder = write_spec({"name": "x", "python": {}}, "dependencies:\n- python\n- pip:\n  - 1\n")

    with pytest.raises(SpecError) as caught:
        read_spec(folder)

    assert (
        str(caught.value)
        == "conda_dependencies.yml: dependencies[1].pip[0]: expected str, found int"
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ([], "expected object, found list"),
        ({"name": 3}, "name: expected str, found int"),
        ({"version": 1}, "version: expected str, found int"),
        ({"environmentVariables": ["A"]}, "environmentVariables: expected object, found list"),
        (
            {"environmentVariables": {"A": [1]}},
            "environmentVariables.A: expected str, number, bool or null, found list",
        ),
        (
            {"environmentVariables": {"A": {"B": 1}}},
            "environmentVariables.A: expected str, number, bool or null, found object",
        ),
        ({"docker": []}, "docker: expected object, found list"),
        ({"docker": {"baseImage": 3}}, "docker.baseImage: expected str, found int"),
        ({"docker": {"enabled": None}}, "docker.enabled: expected bool, found null"),
        ({"docker": {"arguments": "-v"}}, "docker.arguments: expected list, found str"),
        ({"docker": {"arguments": [1]}}, "docker.arguments[0]: expected str, found int"),
        ({"spark": []}, "spark: expected object, found list"),
        ({"python": None}, "python: expected object, found null"),
        ({"python": "3.11"}, "python: expected object, found str"),
        (
            {"python": {"userManagedDependencies": "false"}},
            "python.userManagedDependencies: expected bool, found str",
        ),
        (
            {"python": {"userManagedDependencies": None}},
            "python.userManagedDependencies: expected bool, found null",
        ),
        ({"python": {"interpreterPath": 3}}, "python.interpreterPath: expected str, found int"),
        (with_conda("python=3.11"), f"{INLINE_PATH}: expected object, found str"),
        (with_conda({"channels": "x"}), f"{INLINE_PATH}.channels: expected list, found str"),
        (with_conda({"channels": [1]}), f"{INLINE_PATH}.channels[0]: expected str, found int"),
        (
            with_conda({"dependencies": None}),
            f"{INLINE_PATH}.dependencies: expected list, found null",
        ),
        (
            with_conda({"dependencies": ["python", 3]}),
            f'{INLINE_PATH}.dependencies[1]: expected a package or {{"pip": [...]}}, found int',
        ),
        (
            with_conda({"dependencies": [None]}),
            f'{INLINE_PATH}.dependencies[0]: expected a package or {{"pip": [...]}}, found null',
        ),
        (
            with_conda({"dependencies": [{"npm": []}]}),
            f"{INLINE_PATH}.dependencies[0].pip: expected a value, found nothing",
        ),
        (
            with_conda({"dependencies": [{"pip": None}]}),
            f"{INLINE_PATH}.dependencies[0].pip: expected list, found null",
        ),
        (
            with_conda({"dependencies": [{"pip": "numpy"}]}),
            f"{INLINE_PATH}.dependencies[0].pip: expected list, found str",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_reported_where_it_is(write_spec, environment, message):
    folder = write_spec(environment)

    with pytest.raises(SpecError) as caught:
        read_spec(folder)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("conda", "message"),
    [
        ("", "expected object, found null"),
        ("- python=3.11\n", "expected object, found list"),
        ("name: 3\n", "name: expected str, found int"),
        ("channels: conda-forge\n", "channels: expected list, found str"),
        ("dependencies:\n", "dependencies: expected list, found null"),
        (
            "dependencies:\n- 3.11\n",
            'dependencies[0]: expected a package or {"pip": [...]}, found float',
        ),
        ("1: x\n", "[1]: Keys should be strings"),
        ("dependencies:\n- pip:\n", "dependencies[0].pip: expected list, found null"),
    ],
)
def test_a_problem_in_the_conda_file_names_the_file(write_spec, conda, message):
    folder = write_spec({"name": "x", "python": {}}, conda)

    with pytest.raises(SpecError) as caught:
        read_spec(folder)

    assert str(caught.value) == f"conda_dependencies.yml: {message}"


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("version", "version"),
        ("environmentVariables", "environment_variables"),
        ("docker", "docker"),
        ("spark", "spark"),
        ("databricks", "databricks"),
        ("r", "r"),
        ("inferencingStackVersion", "inferencing_stack_version"),
        ("assetId", "asset_id"),
    ],
)
def test_a_section_that_is_null_is_accepted(write_spec, key, attribute):
    spec, warnings = read_spec(write_spec({key: None, **with_conda(INLINE)}))

    assert warnings == []
    assert getattr(spec, attribute) is None
