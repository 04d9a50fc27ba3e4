"""docker/install/trim.py: what is taken out of an environment, and what must not be."""

import os
import re
import subprocess
import sys

import pytest

from scoredock.virtualenv import find_interpreter

from .install import trim

MINOR = "{}.{}".format(*sys.version_info)
SITE = f"lib/python{MINOR}/site-packages"


@pytest.fixture
def prefix(tmp_path):
    """Return a function that writes files into an environment and returns its folder."""
    (tmp_path / SITE).mkdir(parents=True)
    (tmp_path / "bin").mkdir()

    def write(*names, **texts):
        for name in [*names, *texts]:
            path = tmp_path / name.replace("SITE", SITE)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts.get(name, ""))
        return tmp_path

    return write


def left(prefix):
    """Return the files that are still there."""
    return {
        path.relative_to(prefix).as_posix().replace(SITE, "SITE")
        for path in prefix.rglob("*")
        if path.is_file()
    }


def test_pip_is_removed_and_what_is_called_alike_is_not(prefix):
    folder = prefix(
        "SITE/pip/__init__.py", "SITE/pip-24.0.dist-info/RECORD", "bin/pip", "bin/pip3",
        "bin/pip3.11", "SITE/pipdeptree/__init__.py", "SITE/pip_tools-7.0.dist-info/RECORD",
        "bin/pipdeptree", "SITE/setuptools/__init__.py",
    )  # fmt: skip

    trim.trim(str(folder), "pip", [])

    assert left(folder) == {
        "SITE/pipdeptree/__init__.py", "SITE/pip_tools-7.0.dist-info/RECORD", "bin/pipdeptree",
        "SITE/setuptools/__init__.py",
    }  # fmt: skip


def test_test_suites_of_known_packages_are_removed(prefix):
    folder = prefix(
        "SITE/numpy/__init__.py", "SITE/numpy/tests/test_a.py",
        "SITE/numpy/linalg/tests/data/a.npy", "SITE/numpy/testing/__init__.py",
        "SITE/joblib/test/test_a.py", "SITE/astropy/tests/runner.py",
    )  # fmt: skip

    trim.trim(str(folder), "pip", [])

    assert left(folder) == {
        "SITE/numpy/__init__.py", "SITE/numpy/testing/__init__.py", "SITE/astropy/tests/runner.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("numpy/testing/utils.py", "from numpy._core.tests._natype import pd_NA\n"),
        ("numpy/testing/utils.py", "if x:\n    import numpy._core.tests._natype as n\n"),
        ("numpy/testing/utils.py", "from numpy._core import a, tests\n"),
        ("numpy/testing/utils.py", "from numpy._core import (\n    a,\n    tests,\n)\n"),
        ("numpy/testing/utils.py", "from .._core.tests import _natype\n"),
        ("numpy/_core/utils.py", "from .tests import _natype\n"),
        ("numpy/_core/utils.py", "from . import tests\n"),
        ("numpy/_core/__init__.py", "from .tests._natype import pd_NA  # used below\n"),
    ],
)
def test_a_test_suite_that_is_imported_by_what_is_left_stays(prefix, module, text):
    folder = prefix(
        "SITE/numpy/_core/tests/_natype.py", "SITE/numpy/fft/tests/a.py", **{f"SITE/{module}": text}
    )

    trim.trim(str(folder), "pip", [])

    assert left(folder) == {"SITE/numpy/_core/tests/_natype.py", f"SITE/{module}"}


def test_a_test_suite_that_only_another_one_imports_is_removed(prefix):
    text = "from numpy.fft.tests import a\n"
    folder = prefix("SITE/numpy/fft/tests/a.py", **{"SITE/numpy/tests/b.py": text})

    trim.trim(str(folder), "pip", [])

    assert left(folder) == set()


def test_what_conda_leaves_behind_is_removed_from_its_environments_alone(prefix):
    behind = [
        "conda-meta/numpy-1.json", "include/python3.11/Python.h", "lib/libpython.a",
        "lib/pkgconfig/x.pc", f"lib/python{MINOR}/test/test_a.py", "share/man/man1/x.1",
    ]  # fmt: skip
    folder = prefix("lib/libz.so.1", "etc/conda/activate.d/x.sh", *behind)

    trim.trim(str(folder), "pip", [])
    untouched = left(folder)
    trim.trim(str(folder), "conda", [])

    assert untouched >= set(behind)
    assert left(folder) == {"lib/libz.so.1", "etc/conda/activate.d/x.sh"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("pip", "SITE/pip/__init__.py"),
        ("tests", "SITE/numpy/tests/a.py"),
        ("tests", f"lib/python{MINOR}/test/a.py"),
        ("conda-meta", "conda-meta/numpy-1.json"),
    ],
)
def test_what_is_kept_stays(prefix, name, path):
    folder = prefix(path)

    trim.trim(str(folder), "conda", [name])

    assert left(folder) == {path}


def test_conda_records_that_are_kept_name_their_channel_without_its_login(prefix):
    text = (
        '{"url": "https://me:s3cr3t@conda.example.com/t/t0k3n/own/noarch/a-1.conda",\n'
        ' "files": ["lib/at@home.py", "share/t/one/two.txt"]}\n'
    )
    folder = prefix("SITE/a.py", **{"conda-meta/a-1.json": text})

    trim.trim(str(folder), "conda", ["conda-meta"])

    assert (folder / "conda-meta" / "a-1.json").read_text() == (
        '{"url": "https://conda.example.com/own/noarch/a-1.conda",\n'
        ' "files": ["lib/at@home.py", "share/t/one/two.txt"]}\n'
    )


def test_every_module_is_compiled_without_the_time_of_its_source(prefix):
    folder = prefix(**{"SITE/a.py": "x = {'b', 'c'}\n", "SITE/old.py": "print 'two'\n"})
    old = folder / SITE / "__pycache__" / "gone.cpython-311.pyc"
    old.parent.mkdir()
    old.write_bytes(b"")

    trim.compile_files(sys.executable, str(folder))

    [compiled] = (folder / SITE / "__pycache__").iterdir()
    # PEP 552: 1 is a hash that is not checked.
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"


@pytest.fixture(params=["3.6", "3.8", "3.10"])
def old_python(request):
    """An old Python; below 3.11 what was compiled before enters compiled files."""
    found = find_interpreter(request.param)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Python {request.param}")
        pytest.skip(f"no Python {request.param}")
    return found


def test_old_pythons_compile_the_same_whatever_their_processes_are_busy_with(
    old_python, prefix, tmp_path
):
    minor = re.search(r"\d\.\d+", subprocess.check_output([old_python, "-V"], text=True))[0]
    folder = tmp_path / "env"
    site = folder / "lib" / f"python{minor}" / "site-packages"
    site.mkdir(parents=True)
    for number in range(30):
        # Each has names of its own, and the next one's.
        names = [f"x.name_{index}_of_this" for index in (number, number + 1, number + 8)]
        (site / f"module_{number:02}.py").write_text("import x\n" + "\n".join(names) + "\n")
    (site / "odd").mkdir()
    (site / "odd" / "latin.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n")

    def compiled():
        trim.compile_files(old_python, str(folder))
        return {path.name: path.read_bytes() for path in folder.rglob("*.pyc")}

    first = compiled()
    for path in site.glob("*.py"):
        os.utime(path)
    second = compiled()

    assert len(first) == 31
    assert first == second


def test_the_environment_of_this_test_can_be_trimmed_and_used(tmp_path):
    site = tmp_path / SITE
    site.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    numpy = subprocess.check_output(
        [sys.executable, "-c", "import numpy; print(numpy.__path__[0])"], text=True
    ).strip()
    for name in ("numpy", "numpy.libs"):
        subprocess.run(["cp", "-r", f"{numpy.rpartition('/')[0]}/{name}", site], check=False)
    assert (site / "numpy" / "tests").is_dir()

    trim.trim(str(tmp_path), "pip", [])

    used = subprocess.run(
        [sys.executable, "-S", "-c", "import numpy.testing; print(numpy.__file__)"],
        env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert used.stdout == f"{site}/numpy/__init__.py\n", used.stderr
    assert not (site / "numpy" / "tests").exists()
