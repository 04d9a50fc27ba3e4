"""Packages with `--hash`, where uv checks them and, on Python 3.6, where pip does."""

import pytest

from support import base_image

GOOD = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"

pytestmark = pytest.mark.docker


@pytest.fixture
def spec(tmp_path):
    def write(python, sha256):
        path = tmp_path / "conda.yml"
        lines = f"    - six==1.16.0 --hash=sha256:{sha256}\n"
        path.write_text(f"dependencies:\n- python={python}\n- pip:\n{lines}")
        return path

    return write


@pytest.mark.parametrize("python", ["3.6", "3.11"])
def test_a_package_is_installed_whose_hash_is_the_one_of_the_spec(serve, spec, python):
    answer = serve(
        spec(python, GOOD), "import six", "six.__version__", BASE_IMAGE=base_image(python)
    )

    assert answer == ["1.16.0", python]


@pytest.mark.parametrize("python", ["3.6", "3.11"])
def test_another_hash_is_refused(scoredock, spec, source, python):
    wrong = spec(python, GOOD.replace("8", "9"))

    built = scoredock("build", "--spec", wrong, "--source", source, BASE_IMAGE=base_image(python))

    assert built.returncode == 4
    assert GOOD in built.stderr
