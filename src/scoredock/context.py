"""Write a build context: a folder that `docker build` needs nothing else for."""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from scoredock.dockerfile import FOLDER as BASE_CONTEXT
from scoredock.dockerignore import IGNORE_FILE, included_files
from scoredock.errors import SpecError
from scoredock.lock import LOCKED
from scoredock.network import NETWORK_FILE
from scoredock.paths import CONTEXT
from scoredock.render import ScoringCode
from scoredock.templates import OUTPUTS

# What of docker/ goes into every context; the rest of it is rendered.
_STATIC = ("server", "install", "entrypoint.sh", "healthcheck.py")
_WRITTEN = {*_STATIC, *OUTPUTS.values(), LOCKED, "code", BASE_CONTEXT}
# Where the container has the models, beside the source folder.
_MODELS = "azureml-models"
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")


def find_code(source: Path, entry_script: str, *, name: str = "") -> ScoringCode:
    """Return what to serve from the folder `source`; `name` is what the image calls it.

    Raises SpecError where the folder or the entry script is missing.
    """
    if not source.is_dir():
        raise SpecError("no such folder", path=str(source), hint="set SOURCE_DIR, or pass --source")
    script = source / entry_script
    if not script.is_file() or script.suffix != ".py":
        found = ", ".join(sorted(path.name for path in source.glob("*.py"))) or "no Python file"
        raise SpecError(
            f"expected the entry script {entry_script!r}, found {found}",
            path=str(source),
            hint="set ENTRY_SCRIPT, or pass --entry-script",
        )
    relative = Path(os.path.relpath(script, source))
    if relative.is_absolute() or ".." in relative.parts:
        raise SpecError(f"{entry_script!r} lies outside the source folder", path=str(source))
    name = name or source.resolve().name
    if not re.fullmatch(r"[\w.][\w. -]*", name) or name in (".", "..", _MODELS):
        raise SpecError(
            f"expected a name of letters, digits, blanks and ._-, but {_MODELS}, found {name!r}",
            path=str(source),
            hint="set SOURCE_NAME, or pass --source-name",
        )
    return ScoringCode(source_name=name, entry_script=relative.as_posix())


def check_models(models: Path) -> None:
    """Raise SpecError where `models` is not laid out as NAME/VERSION/<file or folder>."""
    remedy = "set MODELS_DIR, or pass --models; an empty folder serves a script without a model"
    if not models.is_dir():
        raise SpecError(
            "no such folder; expected NAME/VERSION/<file or folder> in it",
            path=str(models),
            hint=remedy,
        )
    for name in sorted(path for path in models.iterdir() if not path.name.startswith(".")):
        inside = sorted(name.iterdir()) if name.is_dir() else []
        versions = [path for path in inside if not path.name.startswith(".")]
        odd = next((path for path in versions if not _is_version(path)), name)
        if not versions or odd != name:
            raise SpecError(
                f"expected NAME/VERSION/<file or folder>, found {odd.relative_to(models)}",
                path=str(models),
                hint="move it, as in models/sklearn_mnist/1/sklearn_mnist_model.pkl",
            )


def _is_version(path: Path) -> bool:
    return path.is_dir() and re.fullmatch("[0-9]+", path.name) is not None


def check_base_context(base_context: Path | None, files: Collection[str], *, place: str) -> None:
    """Raise SpecError where the spec's own Dockerfile takes a file that is not there.

    What `files` leave open, with a variable or a pattern, is the build's to find.
    """
    for name in files:
        if base_context is None:
            raise SpecError(f"takes {name!r} from a build context, and there is none", path=place)
        if not re.search(r"[$*?\[]", name) and not (base_context / name).exists():
            raise SpecError(
                f"takes {name!r} from its build context, and that is not in {base_context}",
                path=place,
                hint="put it there: the folder of the Dockerfile is its build context",
            )


def write_rendered(rendered: Mapping[str, str], folder: Path) -> None:
    """Write the rendered files into `folder`: all of them or, on an error, none.

    Raises SpecError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".render-") as scratch:
            for name, text in rendered.items():
                (Path(scratch) / name).write_text(text, encoding="utf-8", newline="\n")
            for name in rendered:
                (Path(scratch) / name).replace(folder / name)
    except OSError as error:
        raise SpecError(f"cannot be written: {error.strerror}", path=str(folder)) from error


def write_context(
    folder: Path,
    rendered: Mapping[str, str],
    source: Path,
    *,
    leave_out: Path,
    base_context: Path | None = None,
) -> Path:
    """Write the whole context into `folder`, in place of what was there, and return it.

    The source folder goes in but for what its .dockerignore names and the folder `leave_out`,
    the models: they are mounted. `base_context` is the folder that the spec's own Dockerfile takes
    files from, if it takes any. Raises SpecError where `folder` holds anything else than a
    context, or lies in the source folder.
    """
    _refuse_foreign(folder)
    if source.resolve().is_relative_to(leave_out.resolve()):
        raise SpecError(
            "the model folder holds the source folder",
            path=str(leave_out),
            hint="set MODELS_DIR, or pass --models, to a folder of models only",
        )
    if folder.resolve().is_relative_to(source.resolve()):
        raise SpecError("lies in the source folder", path=str(folder), hint="choose another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for name in _STATIC:
            if (CONTEXT / name).is_dir():
                shutil.copytree(CONTEXT / name, scratch / name, ignore=_IGNORED)
            else:
                shutil.copy2(CONTEXT / name, scratch / name)
        write_rendered(rendered, scratch)
        copy_source(source.resolve(), scratch / "code", leave_out.resolve())
        if base_context is not None:
            copy_source(base_context.resolve(), scratch / BASE_CONTEXT, folder.resolve())
        set_modes(scratch)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.replace(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return folder


def set_modes(folder: Path) -> None:
    """Let everybody read, whatever the umask was: the same context is the same image."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise SpecError("is not a folder", path=str(folder))
    foreign = {path.name for path in folder.iterdir()} - _WRITTEN if folder.exists() else set()
    if foreign:
        raise SpecError(
            f"expected an empty folder or an earlier context, found {min(foreign)}",
            path=str(folder),
            hint="a context takes the place of the whole folder: choose another",
        )


def copy_source(source: Path, target: Path, *leave_out: Path) -> None:
    """Copy a folder but for `leave_out` and what its .dockerignore names; links become files.

    Raises SpecError for network settings among what is copied.
    """
    ignore_file = source / IGNORE_FILE
    patterns = ignore_file.read_text(encoding="utf-8").splitlines() if ignore_file.is_file() else []
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted(included_files(source, [*patterns, "**/__pycache__"])):
        path = source / name
        if any(path.resolve().is_relative_to(folder) for folder in leave_out):
            continue
        if path.name == NETWORK_FILE:
            raise SpecError(
                "goes into the image, and may hold credentials",
                path=str(path),
                hint="move it to another folder, or name it in a .dockerignore here",
            )
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copy2(path, target / name)
        elif path.is_symlink() and path.is_dir():
            # A link would dangle in the image.
            if source.is_relative_to(path.resolve()):
                raise SpecError("links to a folder that holds it", path=str(path))
            shutil.copytree(path, target / name, ignore=_IGNORED)
