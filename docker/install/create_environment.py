"""Create the Python environment of a scoring image, or of a service without Docker.

Runs in the build stage of docker/Dockerfile, and on the host for the process runtime, in steps:

    tools      what the steps below need, fetched into a folder of its own (tools.py)
    python     a virtual environment, or what py-rattler solves and installs (conda_packages.py)
    packages   the pip: section and the scoring server, in one resolution: uv, or pip for Pythons
               that uv does not serve
    trim       what no service reads is removed, what is left is compiled (trim.py, bytecode.py)

With the exact packages of a lock nothing is resolved; with --mode lock they are what is made
(lock.py).

It needs an interpreter with venv, and pip or ensurepip, of Python 3.6 or newer (3.8 for conda
packages).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import lock
import network
import parts
import trim
from base_interpreter import create_venv, probe, version_of
from masking import run
from requirements import (
    has_hashes,
    metrics,
    options,
    read_conda_file,
    uv_understands,
    without_hashes,
)
from tools import Tools

# The oldest Python that uv installs into, and the first that venv gives no setuptools.
UV_PYTHON = (3, 8)
NO_SETUPTOOLS = (3, 12)
# The last without a warning for each use of pkg_resources, and the next ones have none at all.
SETUPTOOLS = "setuptools<81"
NO_LOCK = (
    "error: packages with --hash cannot be locked where pip installs, which checks the hashes of "
    "all packages or of none: take --hash out of the spec, the lock has the hashes of all"
)


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as scratch:
        environ = network.pip_environment(
            arguments.pip_config, arguments.ca_file, arguments.cache, scratch
        )
        mirrors = network.apply(network.read(arguments.network), environ, scratch)
        tools = Tools(environ, arguments.cache, scratch)
        wanted = read_conda_file(arguments.conda_file, tools) if arguments.conda_file else {}
        lines = wanted.get("pip", [])
        locked = lock.read(arguments.locked)
        server = arguments.server + "[fast]"
        settings = network.pip_settings(environ, tools.pip)
        by_uv = arguments.installer != "none" and uv_understands(lines, settings)
        if arguments.installer == "conda":
            with step("conda packages"):
                records = os.path.join(scratch, "records.json")
                wanted["records"] = locked and locked["conda"]
                wanted["mirrors"] = mirrors
                python = install_conda_packages(arguments, wanted, environ, tools, records)
            by_uv = by_uv and version_of(python) >= UV_PYTHON
        else:
            by_uv = by_uv and version_of(arguments.interpreter) >= UV_PYTHON
            with step("virtual environment"):
                python = create_venv(arguments, with_pip=not by_uv)
        wanted_lines = lines + missing(lines, arguments.prefix, python) + metrics(lines)
        if wanted.get("constraints"):
            # Named as it lies, beside the other: a path may hold blanks.
            write_lines(scratch, "constraints.txt", wanted["constraints"])
            wanted_lines.append("--constraint constraints.txt")
        requirements = write_lines(scratch, "requirements.txt", wanted_lines)
        with step("Python packages, by {}".format("uv" if by_uv else "pip")):
            if by_uv:
                environ = network.uv_environment(environ, settings, arguments.cache)
                installer, target = [tools.uv, "pip"], ["--python", python]
            else:
                installer, target = pip_of(python, tools), ["--progress-bar", "off"]
                if arguments.pip and arguments.installer == "pip" and not locked:
                    run(installer + ["install", arguments.pip], environ)
            install = installer + ["install"] + target
            hashed = not by_uv and has_hashes(lines)
            if arguments.mode == "lock":
                if hashed:
                    sys.exit(NO_LOCK)
                lister = lock.Lister(
                    installer, by_uv, environ, scratch, [tools.pip, "-m", "pip"], probe(python)[0]
                )
                own_pip = [arguments.pip] if arguments.pip and not by_uv else []
                lock.write(
                    arguments.prefix,
                    conda=records if arguments.installer == "conda" else "",
                    pip=lister.packages(server, requirements, lines, python),
                    build=lister.hashes(lock.places(lines) + [lock.BACKEND] + own_pip),
                )
                return
            if locked:
                install_locked(install, locked, lines, arguments.server, environ, scratch)
            elif hashed:
                # pip checks the hashes of all that a call installs, or of nothing.
                write_lines(scratch, "requirements.txt", lines)
                run(install + ["--requirement", requirements], environ)
                more = options(lines) + wanted_lines[len(lines) :] + ["--constraint pins.txt"]
                write_lines(scratch, "pins.txt", without_hashes(lines))
                write_lines(scratch, "requirements.txt", more)
                run(install + [server, "--requirement", requirements], environ)
            else:
                # One call, so that the server's needs and the user's are resolved together.
                run(install + [server, "--requirement", requirements], environ)
    with step("trim and compile"):
        trim.trim(arguments.prefix, arguments.installer, arguments.keep)
        trim.compile_files(python, arguments.prefix, arguments.cache)
        if arguments.parts:
            parts.split(arguments.prefix, arguments.parts)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", required=True, help="folder of the new environment")
    parser.add_argument("--interpreter", default="python3", help="what it is made from")
    parser.add_argument("--installer", choices=["pip", "conda", "none"], default="pip")
    parser.add_argument("--conda-file", default="", help="conda_dependencies.yml: what to install")
    parser.add_argument("--server", required=True, help="folder of the scoring server")
    parser.add_argument("--python-version", default="", help="X.Y that the interpreter must be")
    parser.add_argument("--pip", default="", help="requirement of pip itself, as pip==21.3.1")
    parser.add_argument("--ca-file", default="", help="more certificate authorities, in PEM")
    parser.add_argument("--pip-config", default="", help="pip.conf with index and credentials")
    parser.add_argument("--network", default="", help="JSON file of the network's settings")
    parser.add_argument("--locked", default="", help="JSON file of exact packages, if it is there")
    parser.add_argument(
        "--mode",
        choices=["install", "lock"],
        default="install",
        help="lock: leave nothing in the folder but locked.json, the exact packages",
    )
    parser.add_argument("--cache", default="", help="folder that outlives the build")
    parser.add_argument("--parts", default="", help="folder for the layers: see parts.py")
    parser.add_argument(
        "--keep", action="append", default=[], choices=trim.KEEPABLE, help="do not remove it"
    )
    return parser.parse_args()


def install_conda_packages(
    arguments: argparse.Namespace, wanted: "dict", environ: "dict", tools: Tools, records: str
) -> str:
    """Create the environment of the conda part and return its python.

    The file `records` gets the packages that were installed.
    """
    request = {
        "prefix": arguments.prefix,
        "channels": wanted["channels"],
        "packages": wanted["conda"],
        "records": wanted["records"],
        "list": records,
        "mirrors": wanted["mirrors"],
        "cache": arguments.cache and os.path.join(arguments.cache, "conda"),
    }
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conda_packages.py")
    own = dict(environ, PYTHONPATH=tools.module("rattler"))
    # A process of its own: py-rattler can abort the interpreter that runs it.
    child = subprocess.Popen(
        [sys.executable, program], env=own, stdin=subprocess.PIPE, universal_newlines=True
    )
    child.communicate(json.dumps(request))
    if child.returncode:
        sys.exit(child.returncode)
    return os.path.join(arguments.prefix, "bin", "python")


def install_locked(
    install: "list", locked: "dict", lines: "list", server: str, environ: "dict", scratch: str
) -> None:
    """Install exactly what the lock names, and the server, which is built from its folder."""
    path = os.path.join(scratch, "locked.txt")
    backend = os.path.join(scratch, "backend")
    # The lock was made with it, and beside hashes uv takes none.
    environ = dict(environ)
    environ.pop("UV_CONSTRAINT", None)
    own_pip = {pin: sums for pin, sums in locked["build"].items() if pin.startswith("pip==")}
    others = {pin: sums for pin, sums in locked["build"].items() if pin not in own_pip}
    for packages, more in ((own_pip, []), (locked["pip"], []), (others, ["--target", backend])):
        if packages:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lock.requirement_lines(packages, lines)) + "\n")
            exact = ["--no-deps", "--require-hashes", "--requirement", path]
            run(install + more + exact, environ)
    # What builds it is beside it, so that no index is asked for that either.
    own = dict(environ, PYTHONPATH=backend)
    run(install + ["--no-deps", "--no-build-isolation", server], own)


def write_lines(folder: str, name: str, lines: "list") -> str:
    """Write a file and return its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def missing(lines: "list", prefix: str, python: str) -> "list":
    """Return setuptools where packages of its time take it for granted, and it is not there."""
    there = any(
        os.path.isdir(os.path.join(site, "setuptools")) for site in trim.package_folders(prefix)
    )
    named = any(line.lower().startswith("setuptools") for line in lines)
    return [] if there or named or version_of(python) >= NO_SETUPTOOLS else [SETUPTOOLS]


def pip_of(python: str, tools: Tools) -> "list":
    """Return the environment's own pip, or the tools' where it has none."""
    own = [python, "-m", "pip"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.call(own + ["--version"], **silent) == 0:
        return own
    return [tools.pip, "-m", "pip", "--python", python]


class step:  # noqa: N801 - used like a word of the language
    """Say what is done, and how long it took."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.started = time.monotonic()
        print("==> {}".format(self.name), flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            print("    {:.1f} s".format(time.monotonic() - self.started), flush=True)


if __name__ == "__main__":
    main()
