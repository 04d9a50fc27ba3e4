import pytest
import yaml

from scoredock.errors import TemplateError
from scoredock.templates import comment, dockerfile_quote, variable_name, yaml_scalar

AWKWARD = [
    "",
    " ",
    "3.10",
    "1e3",
    "0o7",
    "0x1F",
    "1_000",
    "12:30:45",
    "2024-01-31",
    ".inf",
    "yes",
    "No",
    "on",
    "true",
    "null",
    "~",
    "a: b",
    "a:",
    "#x",
    "a #b",
    "- x",
    "-",
    "? x",
    "!tag",
    "&anchor",
    "*alias",
    "{{",
    "{a: 1}",
    "[a",
    "%",
    "@",
    "`",
    "|",
    ">",
    "---",
    "...",
    "a\n...",
    "'single'",
    '"double"',
    "back\\slash",
    "  leading",
    "trailing  ",
    "tab\tinside",
    "line\nbreak",
    "line\n\nbreaks\n",
    "carriage\rreturn",
    "next\x85line",
    "\x85",
    "line\u2028separator",
    "\ufeffmark",
    "環境 é 🐳",
    "numpy>=2,<3",
    "numpy==2.1",
    "n==1",
    "y==1e3",
    "-e git+https://example.com/a.git#egg=a",
    "x " * 200,
]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_yaml_scalar_is_read_back_as_the_same_text(value):
    scalar = yaml_scalar(value)

    assert yaml.safe_load(f"- pip:\n  - {scalar}\n  - after\n") == [{"pip": [value, "after"]}]


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("", '""'),
        ("plain", '"plain"'),
        ("two words", '"two words"'),
        ('say "hi"', r'"say \"hi\""'),
        ("it's", '"it\'s"'),
        ("$HOME", r'"\$HOME"'),
        ("${HOME:-x}", r'"\${HOME:-x}"'),
        ("C:\\temp", r'"C:\\temp"'),
        ("ends in \\", r'"ends in "\\""'),
        ("ends in \\\\", r'"ends in "\\\\""'),
        ('C:\\"x"', r'"C:"\\"\"x\""'),
        (r"\$", r'"\\\$"'),
        ("#no comment", '"#no comment"'),
        ("環境", '"環境"'),
    ],
)
def test_a_dockerfile_value_is_quoted_so_that_nothing_in_it_is_special(value, quoted):
    assert dockerfile_quote(value) == quoted


@pytest.mark.parametrize("value", ["a\nRUN evil", "a\r\nb", "\n"])
def test_a_line_break_cannot_be_quoted_and_is_refused(value):
    with pytest.raises(TemplateError):
        dockerfile_quote(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("azureml-defaults", "azureml-defaults"),
        ("a\nRUN evil", "a RUN evil"),
        ("a\r\n\tb", "a b"),
        ("a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b", "a b"),
        ("  a  ", "a"),
    ],
)
def test_a_comment_stays_on_its_line(value, kept):
    assert comment(value) == kept


@pytest.mark.parametrize("value", ["A", "_a", "MY_VARIABLE_2", "spring.profile", "a-b"])
def test_the_name_of_a_variable_is_kept(value):
    assert variable_name(value) == value


@pytest.mark.parametrize(
    "value", ["", "1A", "A B", "A=B", "A\n", "A\nRUN evil", "$A", '"A"', "A;B", "-A"]
)
def test_what_is_more_than_the_name_of_a_variable_is_refused(value):
    with pytest.raises(TemplateError, match="expected the name of a variable"):
        variable_name(value)
