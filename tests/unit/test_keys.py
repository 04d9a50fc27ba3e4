import pytest

from scoredock.errors import SpecError
from scoredock.keys import first_key


@pytest.mark.parametrize(
    "text", ["first-key\n", "first-key\nsecond-key\n", "# of digits\n\n  first-key  \r\nsecond-key"]
)
def test_the_first_key_is_sent(tmp_path, text):
    (tmp_path / "keys").write_text(text)

    assert first_key(tmp_path / "keys") == "first-key"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "expected a key, a line for each, found none"),
        (b"# none\n", "found none"),
        (b"two words", "expected a key of ASCII characters without blanks"),
        ("sécret".encode(), "expected a key of ASCII characters without blanks"),
        (b"\xff", "cannot be read: not UTF-8"),
    ],
)
def test_a_file_without_a_key_is_refused_by_name_and_not_quoted(tmp_path, content, expected):
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SpecError, match=expected) as caught:
        first_key(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert "words" not in str(caught.value)
