"""The interpreter that an environment is made from: what it is, and the environment itself."""

import argparse
import os
import subprocess
import sys

import trim
from masking import run

# What an interpreter that the environment is made from has to offer, and its packages' folders.
PROBE = (
    "import sys, sysconfig, venv{};"
    "print('%d.%d' % sys.version_info[:2]);"
    "print(sysconfig.get_paths()['purelib']); print(sysconfig.get_paths()['platlib'])"
)


def create_venv(arguments: argparse.Namespace, with_pip: bool) -> str:
    """Create the environment from the interpreter and return its python."""
    own = ", ensurepip" if with_pip and arguments.installer != "none" else ""
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


def fail(message: str) -> None:
    sys.exit("error: " + message)
