"""Compile every module of an environment, and keep what was compiled for the next one.

A program of its own, started by trim.py with the environment's Python: PREFIX [CACHE]. Compiling
takes longer than all else that is done for one more package, and nearly all modules of two
environments are the same. What a compiled file is made from is its key: the Python, the path (it is
in tracebacks) and the source.

Compiled files are of the unchecked-hash kind (PEP 552): a read-only file system cannot take the
ones that Python would write at each start, and the time of the build does not enter them. Python
3.6 has only the kind with the time of the source: that gets a fixed one, and nothing is kept.
"""

import compileall
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
import traceback

from trim import package_folders

HASH_BASED = sys.version_info >= (3, 7)
# 1980-01-01, as in src/scoredock/verify.py.
EPOCH = 315532800


def compile_all(prefix: str, cache: str = "") -> None:
    """Compile with the Python that runs this; what is not of its language is passed over.

    Each file in a process of its own that has compiled nothing else: what a process has compiled
    before leaves traces in what it writes (seen with 3.6 to 3.10, and now and then with 3.12 and
    3.13), and the same source is to be the same file on every machine.
    """
    kept = cache if HASH_BASED else ""
    children = set()
    for site in package_folders(prefix):
        for source in find_sources(os.path.dirname(site)):
            target = importlib.util.cache_from_source(source)
            if kept and copy(os.path.join(kept, key(source)), target, source):
                continue
            if len(children) >= (os.cpu_count() or 1):
                children.discard(wait())
            child = os.fork()
            if child == 0:
                compile_one(source, target, kept)
            children.add(child)
    for _ in children:
        wait()


def wait() -> int:
    """Return the number of a child that has ended."""
    child, status = os.wait()
    if status:
        sys.exit("error: a compiler ended with status {}".format(status))
    return child


def find_sources(folder: str) -> "list":
    """Return every module's file; what is compiled already is removed."""
    found = []
    for parent, names, files in os.walk(folder):
        if "__pycache__" in names:
            names.remove("__pycache__")
            shutil.rmtree(os.path.join(parent, "__pycache__"))
        found += [os.path.join(parent, name) for name in files if name.endswith(".py")]
    return found


def key(source: str) -> str:
    """Return the path in the cache of what is compiled from a file."""
    digest = hashlib.sha256("{}\0{}\0".format(sys.version, source).encode("utf-8", "replace"))
    with open(source, "rb") as file:
        digest.update(file.read())
    name = digest.hexdigest()
    return os.path.join(name[:2], name[2:])


def copy(kept: str, target: str, source: str) -> bool:
    """Write the compiled file, with the mode that Python itself gives it, if it was kept."""
    try:
        with open(kept, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    mode = (os.stat(source).st_mode | 0o200) & 0o666
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    return True


def compile_one(source: str, target: str, cache: str) -> None:
    """Compile a file, keep what became of it, and end the process."""
    status = 1
    try:
        compile_file(source)
        if cache and os.path.isfile(target):
            keep(target, os.path.join(cache, key(source)))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def compile_file(source: str) -> None:
    arguments = {"quiet": 2}
    if HASH_BASED:
        import py_compile

        arguments["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
    else:
        # Python compares it with the one in the compiled file, and compiles again at each start.
        os.utime(source, (EPOCH, EPOCH))
    compileall.compile_file(source, **arguments)


def keep(target: str, kept: str) -> None:
    """Put a compiled file into the cache, which other builds read at the same time."""
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=os.path.dirname(kept))
    with open(handle, "wb") as file, open(target, "rb") as compiled:
        file.write(compiled.read())
    os.replace(scratch, kept)


if __name__ == "__main__":
    compile_all(*sys.argv[1:])
