"""docker/install/parts.py and bytecode.py: the layers of an environment, and its compiled files."""

import sys

import pytest

from .install import bytecode, parts, trim

SITE = "lib/python{}.{}/site-packages".format(*sys.version_info)


@pytest.fixture
def environment(tmp_path):
    """An environment with a package of each size, a shared library and a link."""
    prefix = tmp_path / "env"
    sizes = {
        f"{SITE}/big/core.so": 40_000_000,
        f"{SITE}/big/__init__.py": 1,
        f"{SITE}/middle/a.so": 3_000_000,
        f"{SITE}/middle/deep/b.so": 3_000_000,
        f"{SITE}/single.py": 1,
        "lib/libmkl.so": 50_000_000,
        "bin/python": 1,
        "pyvenv.cfg": 1,
    }
    for name, size in sizes.items():
        (prefix / name).parent.mkdir(parents=True, exist_ok=True)
        with (prefix / name).open("wb") as file:
            file.truncate(size)
    (prefix / "lib64").symlink_to("lib")
    (prefix / "bin" / "python").chmod(0o755)
    return prefix


def files(folder):
    """Return the files and links in a folder."""
    return {
        path.relative_to(folder).as_posix().replace(SITE, "SITE")
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def test_what_is_large_is_in_a_part_of_its_own_and_a_package_is_in_one_part(environment, tmp_path):
    parts.split(str(environment), str(tmp_path / "parts"))

    assert {part.name: files(part) for part in (tmp_path / "parts").iterdir()} == {
        "large": {"SITE/big/core.so", "SITE/big/__init__.py", "lib/libmkl.so"},
        "medium": {"SITE/middle/a.so", "SITE/middle/deep/b.so"},
        "small": {"SITE/single.py", "bin/python", "pyvenv.cfg", "lib64"},
    }


def test_the_parts_over_one_another_are_the_environment(environment, tmp_path):
    parts.split(str(environment), str(tmp_path / "parts"))

    found = set().union(*(files(part) for part in (tmp_path / "parts").iterdir()))
    assert found == files(environment)
    assert (tmp_path / "parts/small/lib64").readlink().as_posix() == "lib"
    assert (tmp_path / "parts/small/bin/python").stat().st_mode & 0o777 == 0o755


def test_one_more_small_package_leaves_the_other_parts_as_they_are(environment, tmp_path):
    parts.split(str(environment), str(tmp_path / "before"))
    (environment / SITE / "tabulate").mkdir()
    (environment / SITE / "tabulate" / "__init__.py").touch()

    parts.split(str(environment), str(tmp_path / "after"))

    for name in ("large", "medium"):
        assert files(tmp_path / "before" / name) == files(tmp_path / "after" / name)
    assert "SITE/tabulate/__init__.py" in files(tmp_path / "after" / "small")


def test_what_was_changed_since_then_is_changed_in_the_parts(environment, tmp_path):
    parts.split(str(environment), str(tmp_path / "parts"))
    site, small = environment / SITE, tmp_path / "parts" / "small"
    (site / "new.py").touch()
    (site / "empty").mkdir()
    (site / "single.py").unlink()
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").write_text("another")

    parts.split(str(environment), str(tmp_path / "parts"))

    assert files(small) == {"SITE/new.py", "bin/python", "pyvenv.cfg", "lib64"}
    assert (small / "bin" / "python").read_text() == "another"
    assert (small / SITE / "empty").is_dir()


def test_a_part_takes_no_space_beside_the_environment(environment, tmp_path):
    parts.split(str(environment), str(tmp_path / "parts"))

    library = tmp_path / "parts" / "large" / "lib" / "libmkl.so"
    assert library.samefile(environment / "lib" / "libmkl.so")


@pytest.fixture
def modules(tmp_path):
    """Three modules of an environment, one of which is not of this language."""
    site = tmp_path / "env" / SITE
    (site / "package").mkdir(parents=True)
    (site / "package" / "a.py").write_text("x = {'b', 'c'}\n")
    (site / "b.py").write_text("y = 1\n")
    (site / "old.py").write_text("print 'two'\n")
    return site


def compiled(site):
    return {path.name: path.read_bytes() for path in site.rglob("*.pyc")}


def test_a_module_that_was_compiled_before_is_taken_from_the_cache(modules, tmp_path):
    trim.compile_files(sys.executable, str(tmp_path / "env"), str(tmp_path / "cache"))
    first = compiled(modules)
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    for path in kept:
        path.write_bytes(path.read_bytes() + b"from the cache")

    trim.compile_files(sys.executable, str(tmp_path / "env"), str(tmp_path / "cache"))

    assert len(kept) == len(first) == 2
    assert compiled(modules) == {name: text + b"from the cache" for name, text in first.items()}


@pytest.mark.parametrize("change", ["source", "path"])
def test_another_source_or_path_is_compiled_anew(modules, tmp_path, change):
    source = modules / "b.py"
    before = bytecode.key(str(source))

    if change == "source":
        source.write_text("y = 2\n")
    else:
        source = source.rename(modules / "c.py")

    assert bytecode.key(str(source)) != before


def test_what_the_cache_gives_is_what_compiling_gives(modules, tmp_path):
    (modules / "b.py").chmod(0o755)
    rounds = []
    for cache in ("", str(tmp_path / "cache"), str(tmp_path / "cache")):
        trim.compile_files(sys.executable, str(tmp_path / "env"), cache)
        modes = {path.name: path.stat().st_mode for path in modules.rglob("*.pyc")}
        rounds.append((modes, compiled(modules)))

    assert rounds[0] == rounds[1] == rounds[2]
