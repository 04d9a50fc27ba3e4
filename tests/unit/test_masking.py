"""No secret of a URL is shown: by the kit, and by what runs in the build stage."""

import importlib
import subprocess
import sys

import pytest

from scoredock.errors import SpecError
from scoredock.masking import find_login, is_signed, masked
from support import ROOT

from .install import trim

hidden = importlib.import_module("masking").hidden
SECRETS = [
    "--index-url https://me:s3cret@x.example.com/simple",
    "https://me:s3c@ret@x.example.com/simple",
    "git+https://s3cret@x.example.com/a.git@v1",
    "https://conda.example.com/t/ab-s3cret1234/channel",
    "https://x.example.com/t/s3cret1234",
    "https://x.example.com/a.whl?sv=2020&sig=s3cret%2Fb%3D&se=2021",
    "https://x.example.com/a.whl?X-Amz-Signature=s3cret",
    "https://x.example.com/a.whl?access_token=s3cret#egg=a",
]
PLAIN = [
    "git+ssh://git@x.example.com/a.git",
    "git+https://x.example.com/a.git@v2.1#subdirectory=b",
    "https://x.example.com/packages/source/t/tensorflow/a.tar.gz",
    "https://x.example.com/a.whl?sv=2020&sp=r",
    "pkg @ https://x.example.com/pkg.zip#sha256=00ff",
    "numpy>=1.2,<2 ; python_version < '3.9'",
    "conda-forge/linux-64::numpy",
]


@pytest.mark.parametrize("hide", [masked, hidden])
@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_masked_and_the_rest_can_be_read(hide, text):
    shown = hide(text)

    assert "s3c" not in shown
    assert "ret@" not in shown
    assert "example.com" in shown


@pytest.mark.parametrize("hide", [masked, hidden])
@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_is_shown_as_it_is(hide, text):
    assert hide(text) == text


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_is_neither_a_login_nor_signed(text):
    assert (find_login(text), is_signed(text)) == ("", False)


def test_an_error_that_quotes_a_secret_masks_it_in_every_part():
    error = SpecError(f"found {SECRETS[0]!r}", path=SECRETS[3], hint=f"not {SECRETS[5]}")

    assert "s3cret" not in f"{error}{error.hint}"


def test_what_an_installer_says_is_printed_without_secrets_and_its_failure_is_passed_on():
    said = f"Collecting {SECRETS[5]} \\xe9\\xff"
    child = f"import sys; sys.stdout.buffer.write(b'''{said}\\n'''); sys.exit(3)"
    program = f"import sys, masking; masking.run([sys.executable, '-c', {child!r}])"

    variables = {"PYTHONPATH": str(ROOT / "docker" / "install"), "LC_ALL": "C"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, check=False
    )

    assert result.returncode == 3
    assert result.stdout == f"Collecting {hidden(SECRETS[5])} ".encode() + b"\xe9\xff\n"


@pytest.mark.parametrize(("url", "kept"), [(SECRETS[5], False), (PLAIN[4], True)])
def test_a_signed_url_that_a_package_came_from_is_not_left_in_the_image(tmp_path, url, kept):
    info = tmp_path / "a-1.dist-info"
    info.mkdir()
    (info / "direct_url.json").write_text(f'{{"url": "{url}"}}')
    (info / "RECORD").write_text("a.py,,\na-1.dist-info/direct_url.json,sha256=x,9\nb.py,,\n")

    trim.remove_noted(str(tmp_path))

    assert (info / "direct_url.json").exists() == kept
    assert ("direct_url" in (info / "RECORD").read_text()) == kept
    assert (info / "RECORD").read_text().endswith("b.py,,\n")
