"""Compare what is read of data/ with what the reference SDK reads, file by file.

Usage: PYTHONPATH=src:tests .venv/bin/python tests/corpus/against_sdk.py PYTHON

PYTHON is one with azureml-core, which is some 95 packages and wants an old Python:

    python3.9 -m venv /tmp/sdk
    /tmp/sdk/bin/pip install azureml-core==1.61.0.post4 "setuptools<81"

Prints how many files are read alike, and which are not, by the reason. Exit status 1 where one is
read in another way for no known reason.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from corpus.table import DATA, FILES, INSTALLERS, expected

from scoredock.formats import read
from scoredock.resolve import resolve

READER = Path(__file__).with_name("sdk_reading.py")
# Of PythonSection, and of what from_conda_specification and from_pip_requirements put in.
SDK_PYTHONS = ("3.8.13", "3.10.18")
SDK_CHANNELS = ["anaconda", "conda-forge"]


def kind_of(file):
    """Return who of the SDK reads a file; empty for the forms of v2, of MLflow, and others."""
    path = DATA / file
    if path.name == "azureml_environment.json":
        return "saved"
    if path.suffix == ".runconfig":
        return "run"
    if path.suffix == ".txt":
        return "requirements"
    form = expected()[file]["form"]
    forms = {"inference configuration": "inference", "run configuration": "run"}
    forms |= {"conda file": "conda", "environment in JSON": "in_json"}
    guessed = "conda" if file.startswith("conda/") and path.name != "MLmodel" else ""
    return forms.get(form, guessed)


def parts(dependencies):
    """Return a dependency list as Python, conda packages and lines for pip."""
    conda, pip = [], []
    for item in dependencies:
        if isinstance(item, dict):
            pip += item.get("pip") or []
            conda += item.get("conda") or []
        else:
            conda.append(item)
    python = [line for line in conda if re.match(r"(\S+::)?python(?![\w.-])", str(line))]
    return python, [line for line in conda if line not in python], pip


def told(line):
    """Return a line for pip as pip reads it."""
    return re.sub(r"(?:^|\s+)#.*$", "", str(line)).strip()


def ours(file):
    """Return what is read of a file, in the words of the SDK's reading."""
    spec = read(DATA / file).spec
    env, _ = resolve(spec)
    conda = spec.python.conda_dependencies
    items = [
        {"pip": list(item.pip)} if not isinstance(item, str) else item
        for item in (conda.dependencies if conda else ())
    ]
    return {
        "user_managed": spec.python.user_managed_dependencies,
        "channels": list((conda and conda.channels) or ()),
        "dependencies": items,
        "python": env.python_version,
    }


def differences(kind, mine, theirs):
    """Yield the reason for each thing that is not read alike; `other: …` for an unknown one."""
    if mine["user_managed"] != theirs["user_managed"]:
        yield "other: userManagedDependencies"
    if "dependencies" not in theirs:
        if mine["dependencies"]:
            yield "other: the SDK reads no conda part"
        return
    if kind == "requirements" and theirs["channels"] == SDK_CHANNELS:
        yield "channels: the SDK puts in its own for a requirements file"
    elif mine["channels"] != list(theirs["channels"]):
        yield f"other: channels {mine['channels']} / {theirs['channels']}"
    my_python, my_conda, my_pip = parts(mine["dependencies"])
    python, conda, pip = parts(theirs["dependencies"])
    if [str(line) for line in python] != my_python:
        added = [line for line in python if line not in my_python]
        known = {f"python={version}" for version in SDK_PYTHONS}
        if set(added) <= known and not any("=" in line for line in my_python):
            yield "Python: none is named, the SDK puts in its own"
        elif set(added) <= known:
            yield "Python: the SDK does not understand the version and puts its own in or beside"
        else:
            yield f"other: Python {my_python} / {python}"
    named = re.fullmatch(r"python=+(\d+\.\d+)[\d.*]*", "".join(map(str, python)))
    if named and python == my_python and mine["python"] not in ("", named[1]):
        yield f"other: Python {mine['python']} of {python}"
    wanted = [str(line) for line in conda if line is not None]
    if my_conda != wanted and not (kind == "requirements" and wanted == ["pip"]):
        yield f"other: conda {my_conda} / {conda}"
    lines = [told(line) for line in pip if line is not None and told(line)]
    if [told(line) for line in my_pip if told(line)] != lines:
        if any(re.match(r"-[rc]\s", line) for line in lines):
            yield "pip: the SDK leaves -r as it stands, with what pip passes over behind it"
        else:
            yield f"other: pip {my_pip} / {pip}"
    if None in pip or None in conda:
        yield "an empty item, which the SDK keeps and conda fails on"


def main(python):
    asked = [(kind, file) for file in FILES if (kind := kind_of(file))]
    request = json.dumps([(kind, str(DATA / file)) for kind, file in asked])
    answer = subprocess.run(
        [python, READER], input=request, stdout=subprocess.PIPE, text=True, check=True
    )
    found = json.loads(answer.stdout)
    reasons = defaultdict(list)
    for kind, file in asked:
        theirs, result = found[str(DATA / file)], expected()[file]["result"]
        readable = result in INSTALLERS
        if "error" in theirs:
            why = theirs["error"].replace(f"{DATA}/", "")
            reasons[f"only the SDK refuses: {why}" if readable else "both refuse"].append(file)
        elif not readable:
            reasons[f"only scoredock refuses: {result}"].append(file)
        else:
            unlike = list(differences(kind, ours(file), theirs))
            for reason in unlike or ["alike"]:
                reasons[reason].append(file)
    for reason, files in sorted(reasons.items(), key=lambda item: -len(item[1])):
        print(f"{len(files):4} {reason}")
        if reason not in ("alike", "both refuse"):
            print("".join(f"       {file}\n" for file in files[:8]), end="")
    return any(reason.startswith("other") for reason in reasons)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
