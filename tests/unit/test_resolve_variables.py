import pytest

from scoredock.resolve import resolve

from .builders import spec


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, ""),
        (1, "1"),
        (1.5, "1.5"),
        (True, "True"),
        (False, "False"),
        ("a\tb", "a\tb"),
    ],
)
def test_a_variable_becomes_text(value, text):
    env, notes = resolve(spec("python=3.8", environmentVariables={"A": value}))

    assert env.variables == (("A", text),)
    assert notes == []


def test_the_reference_sdks_example_variable_is_left_out_with_a_note():
    written = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE", "B": "2", "A": "1"}

    env, notes = resolve(spec("python=3.8", environmentVariables=written))

    assert env.variables == (("B", "2"), ("A", "1"))
    assert notes == [
        "environmentVariables.EXAMPLE_ENV_VAR is the reference SDK's example and is left out"
    ]


def test_the_example_variable_with_a_value_of_ones_own_is_kept():
    env, _ = resolve(spec("python=3.8", environmentVariables={"EXAMPLE_ENV_VAR": "mine"}))

    assert env.variables == (("EXAMPLE_ENV_VAR", "mine"),)
