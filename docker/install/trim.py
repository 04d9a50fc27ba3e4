"""Take out of an environment what no service reads, and compile what is left.

Removed, unless it is kept on request:

- `pip`: a service installs nothing. setuptools stays where it is: packages of Python 3.11 and older
  import pkg_resources without asking for it.
- `tests`: the test suites of the packages in TEST_SUITES and of the standard library (which the
  official Python images leave out as well). Not every folder of that name, because some packages
  read theirs at run time; and none that a module outside of test suites imports, as numpy.testing
  of numpy 2.2 imports numpy._core.tests.
- `conda-meta`: conda's own records, its headers, static libraries and pages of documentation.

What is never touched: the libraries of wheels (stripping breaks their page alignment: numpy no
longer loads), .pyi files (scikit-image reads its own at run time), dist-info (versions are read
from it).

Compiled files are of the unchecked-hash kind (PEP 552): a read-only file system cannot take the
ones that Python would write at each start, and neither the time nor the order of the build enters
them. Python 3.6 knows only the kind that holds its source's time, which is therefore a fixed one.
They are 14 of the digits example's 73 MB, and take its imports from 5 seconds to 2 at each
start of a worker.
"""

import compileall
import os
import re
import shutil
import subprocess
import sys

KEEPABLE = ("pip", "tests", "conda-meta")

# Import packages whose test suites are large and hold nothing that is read at run time.
TEST_SUITES = ("joblib", "numpy", "pandas", "scipy", "sklearn")
SUITE_NAMES = ("test", "tests")
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<source>[.\w]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^#\n]*)"
    r"|import[ \t]+(?P<modules>[^#\n]*))",
    re.MULTILINE,
)
# Processes that compile, the same number on every machine: see compile_share.
SHARES = 8
# 1980-01-01, as in src/scoredock/verify.py.
EPOCH = 315532800
# In a URL, as in https://user:password@host/t/TOKEN/channel.
LOGIN = re.compile(r"://(?:[^/@\s\"]*@)?([^/@\s\"]+)(?:/t/[^/\s\"]+)?")
STANDARD_LIBRARY = ("test", "idlelib", "turtledemo", "ensurepip")
CONDA_FOLDERS = (
    "conda-meta",
    "include",
    "pkgs",
    "lib/cmake",
    "lib/pkgconfig",
    "man",
    "share/doc",
    "share/info",
    "share/man",
)


def trim(prefix: str, installer: str, keep: "list") -> None:
    """Remove what is not in `keep` from the environment in `prefix`."""
    for site in package_folders(prefix):
        if "pip" not in keep:
            remove_pip(site, prefix)
        remove_times(site)
        if "tests" not in keep:
            remove_test_suites(site)
            if installer == "conda":
                for name in STANDARD_LIBRARY:
                    remove(os.path.join(os.path.dirname(site), name))
    if installer == "conda" and "conda-meta" not in keep:
        for name in CONDA_FOLDERS:
            remove(os.path.join(prefix, name))
        remove_static_libraries(os.path.join(prefix, "lib"))
    remove_logins(os.path.join(prefix, "conda-meta"))


def package_folders(prefix: str) -> "list":
    """Return lib/pythonX.Y/site-packages, in lib and lib64, each once."""
    found = set()
    for lib in ("lib", "lib64"):
        folder = os.path.join(prefix, lib)
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            site = os.path.join(folder, name, "site-packages")
            if re.match(r"python3\.\d+$", name) and os.path.isdir(site):
                found.add(os.path.realpath(site))
    return sorted(found)


def remove_pip(site: str, prefix: str) -> None:
    for name in os.listdir(site):
        if name == "pip" or re.match(r"pip-[^-]+\.dist-info$", name):
            remove(os.path.join(site, name))
    programs = os.path.join(prefix, "bin")
    for name in os.listdir(programs):
        if re.match(r"pip[\d.]*$", name):
            remove(os.path.join(programs, name))


def remove_times(site: str) -> None:
    """Remove where uv notes when the files of the server, a folder, were written."""
    for name in os.listdir(site):
        noted = os.path.join(site, name, "uv_cache.json")
        if os.path.isfile(noted):
            remove(noted)
            record = os.path.join(site, name, "RECORD")
            with open(record, encoding="utf-8") as file:
                lines = [line for line in file if not line.startswith(name + "/uv_cache.json,")]
            with open(record, "w", encoding="utf-8") as file:
                file.writelines(lines)


def remove_logins(folder: str) -> None:
    """Take the logins and tokens of channels out of conda's records, which name their URLs."""
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if name.endswith(".json"):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(LOGIN.sub(r"://\1", text))


def remove_test_suites(site: str) -> None:
    for package in TEST_SUITES:
        suites = []
        needed = set()
        for folder, names, files in os.walk(os.path.join(site, package)):
            suites += [os.path.join(folder, name) for name in names if name in SUITE_NAMES]
            names[:] = [name for name in names if name not in SUITE_NAMES]
            for name in files:
                if name.endswith(".py"):
                    needed |= imported_suites(os.path.join(folder, name), site)
        for suite in suites:
            if os.path.relpath(suite, site).replace(os.sep, ".") not in needed:
                remove(suite)


def imported_suites(path: str, site: str) -> "set":
    """Return the test suites that a module imports, or seems to: `numpy._core.tests`."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    own = os.path.relpath(os.path.dirname(path), site).split(os.sep)
    found = set()
    for match in IMPORT.finditer(text) if "test" in text else ():
        source = match.group("source") or ""
        dots = len(source) - len(source.lstrip("."))
        base = own[: len(own) - dots + 1] if dots else []
        base = base + [part for part in source.split(".") if part]
        for module in (match.group("names") or match.group("modules")).split(","):
            parts = base + re.split(r"[\s.(]+", module.strip(" ()\t\n"))[: 1 if source else None]
            for index, part in enumerate(parts):
                if part in SUITE_NAMES:
                    found.add(".".join(parts[: index + 1]))
    return found


def remove_static_libraries(folder: str) -> None:
    for parent, _, files in os.walk(folder):
        for name in files:
            if name.endswith((".a", ".la")):
                remove(os.path.join(parent, name))


def remove(path: str) -> None:
    """Remove a file or a folder, where it is there."""
    if os.path.islink(path) or os.path.isfile(path):
        os.remove(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)


def compile_files(python: str, prefix: str) -> None:
    """Compile every module, with the environment's own Python."""
    for site in package_folders(prefix):
        for folder, names, _ in os.walk(os.path.dirname(site)):
            if "__pycache__" in names:
                names.remove("__pycache__")
                shutil.rmtree(os.path.join(folder, "__pycache__"))
    # The order of sets enters compiled files. What a process imports on its own, as setuptools has
    # each do, it must not compile in its own way.
    environ = dict(os.environ, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")
    environ.pop("PYTHONPATH", None)
    command = [python, os.path.abspath(__file__), prefix]
    children = [subprocess.Popen(command + [str(share)], env=environ) for share in range(SHARES)]
    for child in children:
        if child.wait():
            raise subprocess.CalledProcessError(child.returncode, command)


def compile_share(prefix: str, share: int) -> None:
    """Compile a share of the modules with the Python that runs this.

    Up to Python 3.10 compiled files depend on what their process has compiled before: so what a
    process compiles, and in which order, is the same on every machine. What is not of this Python's
    language is passed over.
    """
    arguments = {"quiet": 2}
    if sys.version_info >= (3, 7):
        import py_compile

        arguments["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for path in modules_and_packages(prefix)[share::SHARES]:
        if sys.version_info < (3, 7):
            set_times(path)
        if os.path.isdir(path):
            compileall.compile_dir(path, **arguments)
        else:
            compileall.compile_file(path, **arguments)


def modules_and_packages(prefix: str) -> "list":
    """Return what lies in site-packages and, for conda, in the standard library's folder.

    It is the same while other shares compile.
    """
    found = []
    for site in package_folders(prefix):
        for folder in (os.path.dirname(site), site):
            found += [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    left_out = ("site-packages", "__pycache__")
    return [path for path in found if os.path.basename(path) not in left_out]


def set_times(path: str) -> None:
    """Give sources the time that `scoredock build --reproducible` gives to all files.

    Python 3.6 compares it with the one in the compiled file, and compiles again at each start.
    """
    for folder, _, files in os.walk(path):
        for name in files:
            os.utime(os.path.join(folder, name), (EPOCH, EPOCH), follow_symlinks=False)
    if os.path.isfile(path):
        os.utime(path, (EPOCH, EPOCH))


if __name__ == "__main__":
    compile_share(sys.argv[1], int(sys.argv[2]))
