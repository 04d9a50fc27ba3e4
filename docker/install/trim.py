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

Compiled files are 14 of the digits example's 73 MB, and take its imports from 5 seconds to 2 at
each start of a worker.
"""

import os
import re
import shutil
import subprocess

from masking import hidden

KEEPABLE = ("pip", "tests", "conda-meta")

# Import packages whose test suites are large and hold nothing that is read at run time.
TEST_SUITES = ("joblib", "numpy", "pandas", "scipy", "sklearn")
SUITE_NAMES = ("test", "tests")
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<source>[.\w]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^#\n]*)"
    r"|import[ \t]+(?P<modules>[^#\n]*))",
    re.MULTILINE,
)
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
        remove_noted(site)
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


def remove_noted(site: str) -> None:
    """Remove where an installer notes what no image should hold.

    uv_cache.json: when the files of the server, a folder, were written. direct_url.json: the URL
    that a package came from, where that is signed or holds a login.
    """
    for folder in os.listdir(site):
        for name in ("uv_cache.json", "direct_url.json"):
            noted = os.path.join(site, folder, name)
            if os.path.isfile(noted) and (name == "uv_cache.json" or holds_secret(noted)):
                remove(noted)
                remove_record(os.path.join(site, folder, "RECORD"), folder + "/" + name)


def holds_secret(path: str) -> bool:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return hidden(text) != text


def remove_record(record: str, name: str) -> None:
    """Remove the line of a file from the list of what was installed."""
    with open(record, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith(name + ",")]
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


def compile_files(python: str, prefix: str, cache: str = "") -> None:
    """Compile every module, with the environment's own Python: see bytecode.py."""
    # The order of sets enters compiled files. What a process imports on its own, as setuptools has
    # each do, it must not compile in its own way.
    environ = dict(os.environ, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")
    environ.pop("PYTHONPATH", None)
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bytecode.py")
    kept = [os.path.join(cache, "bytecode")] if cache else []
    subprocess.check_call([python, program, prefix] + kept, env=environ)
