"""Copy an environment into parts, by the size of what is in it: PREFIX TARGET.

Each part becomes a layer of the image. A layer whose files are the same as before is not written,
compressed or pushed anew, so that one more small package costs a small layer and not the hundreds
of megabytes of scipy. What is weighed is an import package, a library's file in lib and the like,
always as a whole.
"""

import os
import re
import shutil
import sys

# The least bytes of what is in each part.
PARTS = (("large", 40000000), ("medium", 4000000), ("small", 0))
# The folders that all packages share, by their path in the environment: they are in every part.
SHARED = re.compile(r"(lib(/python3\.\d+(/site-packages)?)?)?")


def split(prefix: str, target: str) -> None:
    for name, _ in PARTS:
        os.makedirs(os.path.join(target, name))
        shutil.copystat(prefix, os.path.join(target, name))
    for path in whole(prefix, ""):
        source, bytes_ = os.path.join(prefix, path), size(os.path.join(prefix, path))
        part = next(name for name, least in PARTS if bytes_ >= least)
        place = os.path.join(target, part)
        make_shared(prefix, place, os.path.dirname(path))
        if os.path.isdir(source) and not os.path.islink(source):
            shutil.copytree(source, os.path.join(place, path), symlinks=True)
        else:
            shutil.copy2(source, os.path.join(place, path), follow_symlinks=False)


def whole(prefix: str, folder: str) -> "list":
    """Return the path of each thing that stays in one piece, in the shared folder and below it."""
    found = []
    for name in sorted(os.listdir(os.path.join(prefix, folder))):
        path = os.path.join(folder, name)
        there = os.path.join(prefix, path)
        shared = SHARED.fullmatch(path) and os.path.isdir(there) and not os.path.islink(there)
        found += whole(prefix, path) if shared else [path]
    return found


def size(path: str) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if os.path.islink(path) or not os.path.isdir(path):
        return os.lstat(path).st_size
    return sum(
        os.lstat(os.path.join(parent, name)).st_size
        for parent, _, files in os.walk(path)
        for name in files
    )


def make_shared(prefix: str, place: str, folder: str) -> None:
    """Make a shared folder in a part, with those that it is in, as they are in the environment."""
    if folder and not os.path.isdir(os.path.join(place, folder)):
        make_shared(prefix, place, os.path.dirname(folder))
        os.mkdir(os.path.join(place, folder))
        shutil.copystat(os.path.join(prefix, folder), os.path.join(place, folder))


if __name__ == "__main__":
    split(*sys.argv[1:])
