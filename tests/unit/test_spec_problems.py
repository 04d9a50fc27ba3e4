import pytest

from scoredock.errors import SpecError
from scoredock.formats import read_spec
from scoredock.spec import PipSection

INLINE = {"dependencies": ["python=3.11", {"pip": ["numpy"]}]}
INLINE_PATH = "python.condaDependencies"
FILE = "azureml_environment.json"


def with_conda(conda):
    return {"name": "x", "python": {"condaDependencies": conda}}


def test_a_wrong_pip_entry_in_the_json_file_is_reported_where_it_is(write_spec):
    folder = write_spec(with_conda({"dependencies": ["python=3.11", {"pip": [1]}]}))

    with pytest.raises(SpecError) as caught:
        read_spec(folder)

    assert (
        str(caught.value)
        == f"{FILE}: python.condaDependencies.dependencies[1].pip[0]: expected str, found int"
    )


def test_a_wrong_pip_entry_in_the_conda_file_is_reported_where_it_is(write_spec):
    folder = write_spec({"name": "x", "python": {}}, "dependencies:\n- python\n- pip:\n  - []\n")

    with pytest.raises(SpecError) as caught:
        read_spec(folder)

    assert (
        str(caught.value)
        == "conda_dependencies.yml: dependencies[1].pip[0]: expected str, found list"
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
        ({"docker": {"arguments": "-v"}}, "docker.arguments: expected list, found str"),
        ({"docker": {"arguments": [1]}}, "docker.arguments[0]: expected str, found int"),
        ({"spark": []}, "spark: expected object, found list"),
        ({"python": "3.11"}, "python: expected object, found str"),
        (
            {"python": {"userManagedDependencies": "false"}},
            "python.userManagedDependencies: expected bool, found str",
        ),
        ({"python": {"interpreterPath": 3}}, "python.interpreterPath: expected str, found int"),
        (with_conda("python=3.11"), f"{INLINE_PATH}: expected object, found str"),
        (with_conda({"channels": "x"}), f"{INLINE_PATH}.channels: expected list, found str"),
        (with_conda({"channels": [1]}), f"{INLINE_PATH}.channels[0]: expected str, found int"),
        (
            with_conda({"dependencies": ["python", 3]}),
            f'{INLINE_PATH}.dependencies[1]: expected a package or {{"pip": [...]}}, found int',
        ),
        (
            with_conda({"dependencies": [{"npm": []}]}),
            f"{INLINE_PATH}.dependencies[0].pip: expected a value, found nothing",
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

    assert str(caught.value) == f"{FILE}: {message}"


@pytest.mark.parametrize(
    ("conda", "message"),
    [
        ("", "expected object, found null"),
        ("- python=3.11\n", "expected object, found list"),
        ("name: [3]\n", "name: expected str, found list"),
        ("channels: conda-forge\n", "channels: expected list, found str"),
        ("dependencies: python\n", "dependencies: expected list, found str"),
        (
            "dependencies:\n- [python]\n",
            'dependencies[0]: expected a package or {"pip": [...]}, found list',
        ),
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


@pytest.mark.parametrize(
    ("environment", "read"),
    [
        ({"docker": {"enabled": None}}, lambda spec: spec.docker.enabled is False),
        (
            {"python": {"userManagedDependencies": None, "condaDependencies": INLINE}},
            lambda spec: spec.python.user_managed_dependencies is False,
        ),
        ({"docker": {"baseImageRegistry": None}}, lambda spec: True),
    ],
)
def test_null_is_read_as_absent_where_it_means_the_same(write_spec, environment, read):
    spec, warnings = read_spec(write_spec(with_conda(INLINE) | environment))

    assert read(spec)
    assert warnings == []


def test_a_python_section_of_null_is_read_as_absent_with_a_warning(write_spec):
    folder = write_spec({"name": "x", "python": None}, "dependencies: [python=3.11]")

    spec, warnings = read_spec(folder)

    assert spec.python.conda_dependencies.dependencies == ("python=3.11",)
    assert warnings == [f"{FILE}: python: null, read as absent; the reference SDK fails on it"]


@pytest.mark.parametrize(
    ("conda", "dependencies", "warning"),
    [
        (
            "dependencies: [python, , pip]",
            ("python", "pip"),
            "dependencies[1]: an empty item, ignored",
        ),
        (
            "dependencies: [{pip: [numpy, , scipy]}]",
            (PipSection(pip=("numpy", "scipy")),),
            "dependencies[0].pip[1]: an empty item, ignored",
        ),
        (
            "dependencies: [{conda: [pyodbc], pip: [numpy]}]",
            ("pyodbc", PipSection(pip=("numpy",))),
            "dependencies[0].conda: read as packages of the list around it",
        ),
        ("dependencies: [python, {pip: }]", ("python", PipSection(pip=())), ""),
        ("dependencies:\n", (), "dependencies: empty, read as if it were absent"),
    ],
)
def test_what_says_nothing_is_cleared_with_a_warning(write_spec, conda, dependencies, warning):
    spec, warnings = read_spec(write_spec({"python": {}}, conda.replace(", ,", ", null,")))

    assert spec.python.conda_dependencies.dependencies == dependencies
    assert warnings == [f"conda_dependencies.yml: {warning}"] * bool(warning)


def test_an_item_after_one_that_was_cleared_keeps_its_own_place(write_spec):
    conda = "dependencies:\n- null\n- conda: [pyodbc]\n- pip: [null, numpy, []]\n"

    with pytest.raises(SpecError) as caught:
        read_spec(write_spec({"python": {}}, conda))

    assert caught.value.path == "conda_dependencies.yml: dependencies[2].pip[2]"


def test_a_number_in_yaml_keeps_its_spelling(write_spec):
    conda = "name: 3.10\ndependencies: [python=3.10, {pip: [numpy]}]\n"

    spec, _ = read_spec(write_spec({"python": {}}, conda))

    assert spec.python.conda_dependencies.name == "3.10"
