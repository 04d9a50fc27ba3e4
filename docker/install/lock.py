"""The exact pip packages of an environment: found out for scoredock.lock, or installed from it.

Both as an object of two maps from `name==version` to sha256 hashes: `pip`, what the environment has
beside its conda packages and the server, and `build`, what builds the server (and pip itself, where
the spec names one). Never a URL: where packages come from is the machine's own business.

uv lists the hashes of every file of a version. Where pip installs, for Pythons that uv does not
serve say, the hash is that of the one file that it would take.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

from masking import hidden, run

# What builds the server: see its pyproject.toml.
BACKEND = "flit_core>=3.2"
SERVER = "scoredock-server"
# `scoredock lock` shows it: see src/scoredock/build_progress.py.
FROM_SOURCE = "==> {} {} comes as source: what builds it is not locked"
# Options of a requirements file that tell where packages come from.
PLACES = ("-f", "-i", "--extra-index-url", "--find-links", "--index-url", "--no-index", "--pre",
          "--prefer-binary", "--only-binary", "--no-binary", "--trusted-host")  # fmt: skip


# A version as pip spells it. Debian's own packages have others, which pip refuses to read.
PIP_READS = re.compile(
    r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?"
)


class Lister:
    """Finds out what an installer would install; nothing is installed."""

    def __init__(
        self,
        installer: "list",
        by_uv: bool,
        environ: "dict",
        scratch: str,
        pip: "list",
        python: str,
    ) -> None:
        self.installer = installer
        self.pip = pip
        self.wheels = ["--only-binary=:all:", "--python-version", python]
        self.by_uv = by_uv
        self.environ = environ
        self.scratch = scratch

    def packages(self, server: str, wanted: str, lines: "list", python: str) -> "dict":
        """Return what the server and the file `wanted` need and what is not there yet."""
        if not self.by_uv:
            return self._download([server, "--requirement", wanted], self._installed())
        command = self.installer + ["install", "--dry-run", "--refresh", "--python", python]
        said = self._output(command + [server, "--requirement", wanted], subprocess.STDOUT)
        print(hidden(said), flush=True)
        pins = re.findall(r"^ \+ (.+)$", said, re.MULTILINE)
        pins = [pin for pin in pins if not pin.startswith(SERVER + " ")]
        for pin in pins:
            if "==" not in pin:
                fail("cannot be locked, because it comes from no index: {}".format(hidden(pin)))
        return self.hashes(places(lines) + pins)

    def hashes(self, lines: "list") -> "dict":
        """Return the newest version that each line accepts, without what that needs in turn."""
        path = self._write("pins.txt", lines)
        if not self.by_uv:
            return self._download(["--no-deps", "--requirement", path], {})
        if not any(not line.startswith("-") for line in lines):
            return {}
        command = self.installer + ["compile", "--quiet", "--no-deps", "--generate-hashes"]
        command += ["--no-header", "--no-annotate", path]
        found = parse(self._output(command))
        for pin in [pin for pin, hashes in found.items() if not hashes]:
            # Some indexes tell no hashes.
            found.update(self._download(["--no-deps", pin] + self.wheels, {}, self.pip))
        return found

    def _download(self, arguments: "list", installed: "dict", pip: "list" = None) -> "dict":
        folder = os.path.join(self.scratch, "downloaded")
        os.makedirs(folder, exist_ok=True)
        held = [
            "{}=={}".format(*pair)
            for pair in sorted(installed.items())
            if PIP_READS.fullmatch(pair[1])
        ]
        constraint = self._write("installed.txt", held)
        command = (pip or self.installer) + ["download", "--progress-bar", "off", "--dest", folder]
        run(command + ["-c", constraint] + arguments, self.environ)
        found = {}
        for file in sorted(os.listdir(folder)):
            path = os.path.join(folder, file)
            name, version = name_and_version(file)
            if normalized(name) != SERVER and installed.get(normalized(name)) != version:
                if not file.endswith(".whl"):
                    print(FROM_SOURCE.format(name, version), flush=True)
                with open(path, "rb") as opened:
                    digest = hashlib.sha256(opened.read()).hexdigest()
                found["{}=={}".format(normalized(name), version)] = ["sha256:" + digest]
            os.remove(path)
        return found

    def _installed(self) -> "dict":
        said = self._output(self.installer + ["list", "--format", "json"])
        return {normalized(each["name"]): each["version"] for each in json.loads(said)}

    def _write(self, name: str, lines: "list") -> str:
        path = os.path.join(self.scratch, name)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        return path

    def _output(self, command: "list", errors: "int" = None) -> str:
        child = subprocess.run(
            command,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=errors,
            universal_newlines=True,
        )
        if child.returncode:
            sys.exit(hidden("{}\nerror: the packages could not be locked".format(child.stdout)))
        return child.stdout


def read(path: str) -> "dict":
    """Return the exact packages; empty where there is no such file."""
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(prefix: str, conda: str, pip: "dict", build: "dict") -> None:
    """Put locked.json into the place of the environment; `conda` is a file of records, or none."""
    records = []
    if conda:
        with open(conda, encoding="utf-8") as file:
            records = json.load(file)
    shutil.rmtree(prefix)
    os.makedirs(prefix)
    with open(os.path.join(prefix, "locked.json"), "w", encoding="utf-8") as file:
        json.dump({"conda": records, "pip": pip, "build": build}, file)


def parse(text: str) -> "dict":
    """Return the hashes by `name==version` of what `uv pip compile` writes."""
    found = {}
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if words and "==" in words[0] and not line.startswith(("#", "-")):
            hashes = [word[len("--hash=") :] for word in words if word.startswith("--hash=")]
            found[words[0]] = sorted(hashes)
    return found


def name_and_version(file: str) -> "tuple":
    """Return both from the name of a wheel or a source distribution."""
    if file.endswith(".whl"):
        name, version = file.split("-")[:2]
    else:
        name, _, version = re.sub(r"\.(tar\.\w+|tgz|zip)$", "", file).rpartition("-")
    return name, version


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def places(lines: "list") -> "list":
    """Return those of the lines that tell where packages come from."""
    return [line for line in lines if re.split(r"[\s=]", line)[0] in PLACES]


def requirement_lines(packages: "dict", lines: "list") -> "list":
    """Return the lines for an installer that checks hashes."""
    pinned = [
        "{} {}".format(pin, " ".join("--hash=" + one for one in hashes))
        for pin, hashes in sorted(packages.items())
    ]
    return places(lines) + pinned


def fail(message: str) -> None:
    sys.exit("error: " + message)
