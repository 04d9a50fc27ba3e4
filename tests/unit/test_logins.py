from urllib.parse import quote

import pytest

from scoredock.errors import SpecError
from scoredock.logins import Logins

URL = "https://index.example.com/simple"
# A keyring of its own: keyring's library with a file behind it, which answers for any user as the
# stores of Windows, macOS and GNOME do.
BACKEND = """
from pathlib import Path
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

class OneFile(KeyringBackend):
    priority = 1

    def lines(self):
        stored = Path(__file__).with_name("stored")
        return [line.split() for line in stored.read_text().splitlines()]

    def get_password(self, service, username):
        found = [word for name, user, word in self.lines() if (name, user) == (service, username)]
        return found[0] if found else None

    def get_credential(self, service, username):
        for name, user, word in self.lines():
            if name == service and username in (None, user):
                return SimpleCredential(user, word)

    def set_password(self, service, username, password): ...
    def delete_password(self, service, username): ...

class Broken(OneFile):
    def lines(self):
        raise OSError("no bus: s3cr3t")
"""


@pytest.fixture(autouse=True)
def empty(monkeypatch, tmp_path):
    """No login anywhere: no netrc, and a keyring that has nothing."""
    import keyring

    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def keyring_of(monkeypatch, tmp_path):
    """Let these lines (service, user, password) be the machine's keyring."""

    def store(*lines, backend="OneFile"):
        module = f"stored_{tmp_path.name}"
        (tmp_path / f"{module}.py").write_text(BACKEND)
        (tmp_path / "stored").write_text("\n".join(lines))
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{module}.{backend}")

    return store


def test_a_netrc_that_cannot_be_read_is_named_without_its_content(tmp_path):
    (tmp_path / "netrc").write_text("s3cr3t user\n")

    with pytest.raises(SpecError, match="line 1: not in the form of netrc") as caught:
        Logins()

    assert str(tmp_path / "netrc") in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("service", [URL, "index.example.com"])
def test_the_keyring_is_asked_for_the_url_and_then_for_its_host(keyring_of, service):
    keyring_of(f"{service} user p@ss")

    assert Logins().add_to(URL) == "https://user:p%40ss@index.example.com/simple"


@pytest.mark.parametrize(
    ("user", "found"), [("me", "https://me:mine@index.example.com/simple"), ("other", "")]
)
def test_the_user_of_the_url_is_the_one_whose_password_is_taken(keyring_of, user, found):
    keyring_of(f"{URL} you yours", f"{URL} me mine")
    url = URL.replace("//", f"//{user}@")

    assert Logins().add_to(url) == (found or url)


def test_netrc_wins_over_the_keyring_and_a_password_of_the_url_over_both(keyring_of, tmp_path):
    keyring_of(f"{URL} user of-keyring")
    (tmp_path / "netrc").write_text("machine index.example.com login user password of-netrc\n")
    own = URL.replace("//", "//user:own@")

    assert Logins().add_to(URL) == URL.replace("//", "//user:of-netrc@")
    assert Logins().add_to(own) == own


def test_the_library_s_own_store_in_a_file_is_a_keyring_too(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    import keyring

    keyring.set_password("index.example.com", "user", "p@ss/word")

    logins = Logins()
    added = logins.add_to(URL.replace("//", "//user@"))

    assert added == URL.replace("//", f"//user:{quote('p@ss/word', safe='')}@")
    assert logins.notes == []


def test_a_keyring_that_breaks_is_a_note_and_is_asked_no_more(keyring_of):
    keyring_of(backend="Broken")
    logins = Logins()

    assert logins.add_to(URL) == URL
    assert logins.add_to(URL) == URL
    assert logins.notes == ["the keyring is not asked for logins: OSError"]
