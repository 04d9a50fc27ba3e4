import pytest

from scoredock.formats import read_spec

INLINE = {"dependencies": ["python=3.11", {"pip": ["numpy"]}]}


def with_conda(conda):
    return {"name": "x", "python": {"condaDependencies": conda}}


@pytest.mark.parametrize(
    ("environment", "warning"),
    [
        (
            {"envVariables": {}},
            "envVariables: unknown key, ignored (the nearest known one is 'environmentVariables')",
        ),
        ({"Name": "x"}, "Name: unknown key, ignored (the nearest known one is 'name')"),
        (
            {"docker": {"baseImages": "x"}},
            "docker.baseImages: unknown key, ignored (the nearest known one is 'baseImage')",
        ),
        ({"docker": {"zzz": 1}}, "docker.zzz: unknown key, ignored"),
        (
            {"python": {"userManaged": True, "condaDependencies": INLINE}},
            "python.userManaged: unknown key, ignored "
            "(the nearest known one is 'userManagedDependencies')",
        ),
        (
            with_conda({**INLINE, "chanels": []}),
            "python.condaDependencies.chanels: unknown key, ignored "
            "(the nearest known one is 'channels')",
        ),
        (
            with_conda({"dependencies": ["python", {"pip": [], "npm": []}]}),
            "python.condaDependencies.dependencies[1].npm: unknown key, ignored",
        ),
    ],
)
def test_an_unknown_key_is_a_warning_that_names_the_nearest_known_one(
    write_spec, environment, warning
):
    _, warnings = read_spec(write_spec(with_conda(INLINE) | environment))

    assert warnings == [f"azureml_environment.json: {warning}"]


def test_an_unknown_key_of_the_conda_file_is_a_warning_that_names_the_file(write_spec):
    folder = write_spec({"name": "x", "python": {}}, "chanels: [x]\ndependencies: [python=3.11]\n")

    _, warnings = read_spec(folder)

    assert warnings == [
        "conda_dependencies.yml: chanels: unknown key, ignored "
        "(the nearest known one is 'channels')"
    ]


def test_every_unknown_key_is_reported_not_only_the_first(write_spec):
    environment = {"one": 1, "docker": {"two": 2}, **with_conda({**INLINE, "three": 3})}

    _, warnings = read_spec(write_spec(environment))

    assert {line.split(": ")[1] for line in warnings} == {
        "one",
        "docker.two",
        "python.condaDependencies.three",
    }
