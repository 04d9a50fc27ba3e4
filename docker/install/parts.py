"""Lay an environment out in parts, by the size of what is in it: PREFIX TARGET.

Each part becomes a layer of the image. A layer whose files are the same as before is not written,
compressed or pushed anew, so that one more small package costs a small layer and not the hundreds
of megabytes of scipy. What is weighed is an import package, a library's file in lib and the like,
always as a whole.

create_environment.py does it where the environment was just written: links, which cost nothing.
The Dockerfile does it again, for what the block `environment` of somebody's own may have changed
since then, and finds nothing to do where nothing has.
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
    wanted = {}
    for path in whole(prefix, ""):
        pieces = leaves(prefix, path)
        weight = sum(os.lstat(os.path.join(prefix, piece)).st_size for piece in pieces)
        part = next(name for name, least in PARTS if weight >= least)
        wanted.update({os.path.join(part, piece): piece for piece in pieces})
    for part, _ in PARTS:
        make_folder(prefix, os.path.join(target, part), "")
        for path in leaves(target, part):
            if path not in wanted and not is_folder(os.path.join(target, path)):
                os.remove(os.path.join(target, path))
    for path, piece in wanted.items():
        place(prefix, os.path.join(target, path.partition(os.sep)[0]), piece)


def whole(prefix: str, folder: str) -> "list":
    """Return the path of each thing that stays in one piece, in the shared folder and below it."""
    found = []
    for name in sorted(os.listdir(os.path.join(prefix, folder))):
        path = os.path.join(folder, name)
        there = os.path.join(prefix, path)
        shared = SHARED.fullmatch(path) and is_folder(there)
        found += whole(prefix, path) if shared else [path]
    return found


def leaves(root: str, path: str) -> "list":
    """Return the paths of the files, links and empty folders below a path, or the path itself."""
    there = os.path.join(root, path)
    names = os.listdir(there) if is_folder(there) else []
    found = []
    for name in names:
        found += leaves(root, os.path.join(path, name))
    return found or [path]


def is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def place(prefix: str, part: str, path: str) -> None:
    """Put a file, a link or an empty folder of the environment into a part, unless it is there."""
    source, target = os.path.join(prefix, path), os.path.join(part, path)
    if is_folder(source):
        make_folder(prefix, part, path)
        return
    make_folder(prefix, part, os.path.dirname(path))
    if os.path.lexists(target):
        if os.path.samestat(os.lstat(source), os.lstat(target)):
            return
        os.remove(target)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target, follow_symlinks=False)


def make_folder(prefix: str, part: str, folder: str) -> None:
    """Make a folder of a part, and those that it is in, as they are in the environment."""
    source, there = (os.path.join(root, folder) if folder else root for root in (prefix, part))
    if os.path.isdir(there) and os.stat(there).st_mode == os.stat(source).st_mode:
        return
    if folder:
        make_folder(prefix, part, os.path.dirname(folder))
    os.makedirs(there, exist_ok=True)
    shutil.copystat(source, there)


if __name__ == "__main__":
    split(*sys.argv[1:])
