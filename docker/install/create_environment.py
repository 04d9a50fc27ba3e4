"""Create the Python environment of a scoring image, or of a service without Docker.

Runs in the build stage of docker/Dockerfile, and on the host for the process runtime. It needs
an interpreter with venv and pip (Python 3.6 or newer); PyYAML is fetched for its own use where
it is missing and does not enter the environment.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

# What an interpreter that the environment is made from has to offer, and its packages' folders.
PROBE = (
    "import sys, sysconfig, ensurepip, venv;"
    "print('%d.%d' % sys.version_info[:2]);"
    "print(sysconfig.get_paths()['purelib']); print(sysconfig.get_paths()['platlib'])"
)


def main() -> None:
    arguments = parse_arguments()
    version, package_folders = probe(arguments.interpreter, arguments.installer)
    if arguments.python_version and version != arguments.python_version:
        fail(
            "the interpreter {} is Python {}, the spec asks for {}: "
            "choose another base image, or change python in the conda dependencies".format(
                arguments.interpreter, version, arguments.python_version
            )
        )
    python = create_venv(arguments, package_folders)
    with tempfile.TemporaryDirectory() as scratch:
        environ = pip_environment(python, arguments, scratch)
        if arguments.pip:
            pip_install(python, environ, [arguments.pip])
        requirements = os.path.join(scratch, "requirements.txt")
        with open(requirements, "w", encoding="utf-8") as file:
            if arguments.installer == "pip":
                for line in read_pip_section(arguments.conda_file, python, environ, scratch):
                    file.write(line + "\n")
        # One call, so that the server's needs and the user's are resolved together.
        pip_install(python, environ, [arguments.server, "--requirement", requirements])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", required=True, help="folder of the new environment")
    parser.add_argument("--interpreter", default="python3", help="what it is made from")
    parser.add_argument("--installer", choices=["pip", "none"], default="pip")
    parser.add_argument("--conda-file", help="whose pip: section is installed")
    parser.add_argument("--server", required=True, help="folder of the scoring server")
    parser.add_argument("--python-version", default="", help="X.Y that the interpreter must be")
    parser.add_argument("--pip", default="", help="requirement of pip itself, as pip==21.3.1")
    parser.add_argument("--ca-file", default="", help="more certificate authorities, in PEM")
    parser.add_argument("--pip-config", default="", help="pip.conf with index and credentials")
    return parser.parse_args()


def probe(interpreter: str, installer: str) -> "tuple":
    """Return the interpreter's version, X.Y, and the folders of its packages."""
    code = PROBE if installer == "pip" else PROBE.replace("ensurepip", "pip")
    try:
        lines = subprocess.check_output([interpreter, "-c", code], universal_newlines=True).split()
    except FileNotFoundError:
        fail("no interpreter {}: set python.interpreterPath or the base image".format(interpreter))
    except subprocess.CalledProcessError:
        fail("the interpreter {} lacks what the line above names".format(interpreter))
    return lines[0], sorted(set(lines[1:]))


def create_venv(arguments: argparse.Namespace, package_folders: "list") -> str:
    """Create the environment and return its python."""
    command = [arguments.interpreter, "-m", "venv", arguments.prefix]
    if arguments.installer == "none":
        command += ["--system-site-packages", "--without-pip"]
    run(command)
    python = os.path.join(arguments.prefix, "bin", "python")
    if arguments.installer == "none":
        # --system-site-packages looks past an interpreter that is itself a virtual environment.
        [own] = probe_site_packages(python)
        with open(os.path.join(own, "user_managed.pth"), "w", encoding="utf-8") as file:
            file.writelines(folder + "\n" for folder in package_folders)
    return python


def probe_site_packages(python: str) -> "list":
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return subprocess.check_output([python, "-c", code], universal_newlines=True).split()


def pip_environment(python: str, arguments: argparse.Namespace, scratch: str) -> "dict":
    """Return the variables pip runs with; an empty or absent secret file changes nothing."""
    environ = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore")
    # A PYTHONPATH of the host would be seen before the environment's own packages.
    environ.pop("PYTHONPATH", None)
    if is_filled(arguments.pip_config):
        environ["PIP_CONFIG_FILE"] = arguments.pip_config
    if is_filled(arguments.ca_file):
        code = "from pip._vendor import certifi; print(certifi.where())"
        public = subprocess.check_output([python, "-c", code], universal_newlines=True).strip()
        bundle = os.path.join(scratch, "ca.pem")
        with open(bundle, "wb") as target:
            for source in (public, arguments.ca_file):
                with open(source, "rb") as file:
                    shutil.copyfileobj(file, target)
                target.write(b"\n")
        environ.update(PIP_CERT=bundle, SSL_CERT_FILE=bundle, REQUESTS_CA_BUNDLE=bundle)
    return environ


def is_filled(path: str) -> bool:
    return bool(path) and os.path.isfile(path) and os.path.getsize(path) > 0


def read_pip_section(conda_file: str, python: str, environ: "dict", scratch: str) -> "list":
    """Return the lines of the `pip:` sections of a conda environment file."""
    try:
        import yaml
    except ImportError:
        tools = os.path.join(scratch, "tools")
        pip_install(python, environ, ["--quiet", "--target", tools, "pyyaml"])
        sys.path.insert(0, tools)
        import yaml
    with open(conda_file, encoding="utf-8") as file:
        environment = yaml.safe_load(file)
    return [
        line
        for entry in environment.get("dependencies") or []
        if isinstance(entry, dict)
        for line in entry.get("pip") or []
    ]


def pip_install(python: str, environ: "dict", arguments: "list") -> None:
    run([python, "-m", "pip", "install", "--progress-bar", "off"] + arguments, environ)


def run(command: "list", environ: "dict" = None) -> None:
    """Run a command; its failure is this program's."""
    status = subprocess.call(command, env=environ)
    if status:
        sys.exit(status)


def fail(message: str) -> None:
    sys.exit("error: " + message)


if __name__ == "__main__":
    main()
