"""Compile every module of an environment, and keep what was compiled for the next one.

A program of its own, started by trim.py with the environment's Python: PREFIX [CACHE]. Compiling
takes longer than all else that is done for one more package, and nearly all modules of two
environments are the same. What a compiled file is made from is its key: the Python, the path (it is
in tracebacks) and the source.

Compiled files are of the unchecked-hash kind (PEP 552): a read-only file system cannot take the
ones that Python would write at each start, and neither the time nor the order of the build enters
them. Python 3.6 has only the kind with the time of the source, which is not kept.
"""

import compileall
import functools
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile

from trim import package_folders

HASH_BASED = sys.version_info >= (3, 7)


def compile_all(prefix: str, cache: str = "") -> None:
    """Compile with the Python that runs this; what is not of its language is passed over."""
    sources = [
        path for site in package_folders(prefix) for path in find_sources(os.path.dirname(site))
    ]
    work = functools.partial(compile_one, cache=cache if HASH_BASED else "")
    try:
        from concurrent.futures import ProcessPoolExecutor

        pool = ProcessPoolExecutor()
    except (ImportError, NotImplementedError, OSError):  # no shared memory, say
        for source in sources:
            work(source)
        return
    with pool:
        for _ in pool.map(work, sources, chunksize=16):
            pass


def find_sources(folder: str) -> "list":
    """Return every module's file; what is compiled already is removed."""
    found = []
    for parent, names, files in os.walk(folder):
        if "__pycache__" in names:
            names.remove("__pycache__")
            shutil.rmtree(os.path.join(parent, "__pycache__"))
        found += [os.path.join(parent, name) for name in files if name.endswith(".py")]
    return found


def compile_one(source: str, cache: str) -> None:
    target = importlib.util.cache_from_source(source)
    kept = cache and os.path.join(cache, key(source))
    if kept and os.path.isfile(kept):
        copy(kept, target, source)
        return
    compile_file(source)
    if kept and os.path.isfile(target):
        keep(target, kept)


def key(source: str) -> str:
    """Return the path in the cache of what is compiled from a file."""
    digest = hashlib.sha256("{}\0{}\0".format(sys.version, source).encode("utf-8", "replace"))
    with open(source, "rb") as file:
        digest.update(file.read())
    name = digest.hexdigest()
    return os.path.join(name[:2], name[2:])


def copy(kept: str, target: str, source: str) -> None:
    """Write the compiled file, with the mode that Python itself gives it."""
    with open(kept, "rb") as file:
        content = file.read()
    os.makedirs(os.path.dirname(target), exist_ok=True)
    mode = (os.stat(source).st_mode | 0o200) & 0o666
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)


def compile_file(source: str) -> None:
    arguments = {"quiet": 2}
    if HASH_BASED:
        import py_compile

        arguments["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
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
