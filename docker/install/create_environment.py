"""Create the Python environment of a scoring image, or of a service without Docker.

Runs in the build stage of docker/Dockerfile, and on the host for the process runtime, in steps:

    tools      what the steps below need, fetched into a folder of its own (tools.py)
    python     a virtual environment, or what py-rattler solves and installs (conda_packages.py)
    packages   the pip: section and the scoring server, in one resolution: uv, or pip for Pythons
               that uv does not serve
    trim       what no service reads is removed, what is left is compiled (trim.py, bytecode.py)

With the exact packages of a lock nothing is resolved; with --mode lock they are what is made
(lock.py).

It needs an interpreter with venv and pip, of Python 3.6 or newer (3.8 for conda packages).
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
from requirements import read_conda_file, uv_understands
from tools import Tools

# The oldest Python that uv installs into, and the first that venv gives no setuptools.
UV_PYTHON = (3, 8)
NO_SETUPTOOLS = (3, 12)
# The last without a warning for each use of pkg_resources, and the next ones have none at all.
SETUPTOOLS = "setuptools<81"

# What an interpreter that the environment is made from has to offer, and its packages' folders.
PROBE = (
    "import sys, sysconfig, venv{};"
    "print('%d.%d' % sys.version_info[:2]);"
    "print(sysconfig.get_paths()['purelib']); print(sysconfig.get_paths()['platlib'])"
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
        requirements = os.path.join(scratch, "requirements.txt")
        with open(requirements, "w", encoding="utf-8") as file:
            file.writelines(
                line + "\n" for line in lines + missing(lines, arguments.prefix, python)
            )
        with step("Python packages, by {}".format("uv" if by_uv else "pip")):
            if by_uv:
                environ = network.uv_environment(environ, settings, arguments.cache)
                installer, target = [tools.uv, "pip"], ["--python", python]
            else:
                installer, target = pip_of(python, tools), ["--progress-bar", "off"]
                if arguments.pip and arguments.installer == "pip" and not locked:
                    run(installer + ["install", arguments.pip], environ)
            install = installer + ["install"] + target
            if arguments.mode == "lock":
                lister = lock.Lister(
                    installer, by_uv, environ, scratch, [tools.pip, "-m", "pip"], probe(python)[0]
                )
                own_pip = [arguments.pip] if arguments.pip and not by_uv else []
                lock.write(
                    arguments.prefix,
                    conda=records if arguments.installer == "conda" else "",
                    pip=lister.packages(arguments.server, requirements, lines, python),
                    build=lister.hashes(lock.places(lines) + [lock.BACKEND] + own_pip),
                )
                return
            if locked:
                install_locked(install, locked, lines, arguments.server, environ, scratch)
            else:
                # One call, so that the server's needs and the user's are resolved together.
                run(install + [arguments.server, "--requirement", requirements], environ)
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


def create_venv(arguments: argparse.Namespace, with_pip: bool) -> str:
    """Create the environment from the interpreter and return its python."""
    own = ", pip" if arguments.installer == "none" else ", ensurepip" if with_pip else ""
    version, folders = probe(arguments.interpreter, own)
    if arguments.python_version and version != arguments.python_version:
        fail(
            "the interpreter {} is Python {}, the spec asks for {}: "
            "choose another base image, or change python in the conda dependencies".format(
                arguments.interpreter, version, arguments.python_version
            )
        )
    command = [arguments.interpreter, "-m", "venv", arguments.prefix]
    if arguments.installer == "none":
        command.append("--system-site-packages")
    if arguments.installer == "none" or not with_pip:
        command.append("--without-pip")
    run(command)
    python = os.path.join(arguments.prefix, "bin", "python")
    if arguments.installer == "none":
        # --system-site-packages looks past an interpreter that is itself a virtual environment.
        [site] = trim.package_folders(arguments.prefix)
        with open(os.path.join(site, "user_managed.pth"), "w", encoding="utf-8") as file:
            file.writelines(folder + "\n" for folder in folders)
    return python


def probe(interpreter: str, modules: str = "") -> "tuple":
    """Return the interpreter's version, X.Y, and the folders of its packages."""
    command = [interpreter, "-c", PROBE.format(modules)]
    try:
        lines = subprocess.check_output(command, universal_newlines=True).split()
    except FileNotFoundError:
        fail("no interpreter {}: set python.interpreterPath or the base image".format(interpreter))
    except subprocess.CalledProcessError:
        fail("the interpreter {} lacks what the line above names".format(interpreter))
    return lines[0], sorted(set(lines[1:]))


def version_of(interpreter: str) -> "tuple":
    version, _ = probe(interpreter)
    return tuple(int(part) for part in version.split("."))


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


def run(command: "list", environ: "dict" = None) -> None:
    """Run a command; its failure is this program's."""
    status = subprocess.call(command, env=environ)
    if status:
        sys.exit(status)


def fail(message: str) -> None:
    sys.exit("error: " + message)


if __name__ == "__main__":
    main()
