"""Read what is to be installed."""

import re
import sys

from tools import Tools

# Options of a requirements file that uv honours as pip does; of others it says that it ignores
# them, or it refuses the file. Files that are named in it are not looked into.
UV_OPTIONS = (
    "--extra-index-url",
    "--find-links",
    "--index-url",
    "--no-binary",
    "--only-binary",
    "-f",
    "-i",
)
# pip's settings that uv has no variable for.
PIP_ONLY = ("no-binary", "no-deps", "no-index", "only-binary", "prefer-binary", "require-hashes")


# What the server's /metrics is made with: pure Python, and it needs nothing.
METRICS = "prometheus-client>=0.8"


def read_conda_file(path: str, tools: Tools) -> "dict":
    """Return the lists `channels`, `conda`, `pip` and `constraints` of a conda environment file."""
    if tools.module("yaml"):
        sys.path.append(tools.module("yaml"))
    import yaml

    with open(path, encoding="utf-8") as file:
        environment = yaml.safe_load(file)
    entries = environment.get("dependencies") or []
    return {
        "channels": environment.get("channels") or [],
        "conda": [entry for entry in entries if isinstance(entry, str)],
        "pip": [
            line for entry in entries if isinstance(entry, dict) for line in entry.get("pip") or []
        ],
        # A key of scoredock's: the lines of the files that `-c` names in the spec.
        "constraints": environment.get("pip_constraints") or [],
    }


def uv_understands(lines: "list", settings: "dict") -> bool:
    """Tell whether uv installs the same as pip, with these lines and pip's settings."""
    return not any(name in settings for name in PIP_ONLY) and all(map(_uv_reads, lines))


def _uv_reads(line: str) -> bool:
    if line.startswith("-"):
        return re.split(r"[\s=]", line)[0] in UV_OPTIONS
    # Options of a single requirement, as --global-option; uv reads --hash alone.
    return all(word.startswith("--hash") for word in line.split() if word.startswith("--"))


def has_hashes(lines: "list") -> bool:
    """Tell whether a line says which files it may be."""
    return any(" --hash" in line for line in lines)


def without_hashes(lines: "list") -> "list":
    """Return the requirements among the lines as pip's constraints, which have no extras."""
    names = [line for line in lines if re.match(r"\w", line) and "://" not in line]
    return [
        re.sub(r"^([\w.-]+)\s*\[[^]]*\]", r"\1", line.partition(" --hash")[0]) for line in names
    ]


def metrics(lines: "list") -> "list":
    """Return the server's optional part, unless the spec says itself which one it wants."""
    named = any(re.match(r"prometheus[-_.]client(?![\w.-])", line, re.I) for line in lines)
    return [] if named else [METRICS]


def options(lines: "list") -> "list":
    """Return those of the lines that say where packages are."""
    return [line for line in lines if line.startswith("-")]
