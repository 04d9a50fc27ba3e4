"""Rendered files that a person has edited: found on disk, and never overwritten unasked.

They may lie beside the spec, where `render` writes them and `docker compose` builds from, and in a
written build context. What is built is a fresh render, unless the person says otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scoredock.context import write_rendered
from scoredock.errors import SpecError
from scoredock.header import differences, is_edited, mark_copy
from scoredock.spec import CONDA_FILE, GENERATED

THREE_WAYS = (
    "put the change into the spec or a template block (scoredock templates eject); or use the file "
    "as it stands: --as-is; or throw the edit away: --force"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A file on disk that has the name of a rendered one."""

    path: Path
    text: str
    foreign: bool
    """Nothing in it says that scoredock has written it."""
    edited: bool
    """It is not as scoredock wrote it, and a fresh render would undo that."""


def find_rendered(folder: Path, rendered: Mapping[str, str]) -> dict[str, Rendered]:
    """Return those of the rendered files that are in the folder, by name.

    Line breaks are Unix ones in their text; bytes that are no UTF-8 are surrogates.
    """
    found = {}
    for name, fresh in rendered.items():
        path = folder / name
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        # A Dockerfile's directives have to come first, and may stand above our lines by now. The
        # conda file is part of the spec where it begins with anything else: see spec.py.
        begins = text.startswith(GENERATED) or (name != CONDA_FILE and f"\n{GENERATED}" in text)
        found[name] = Rendered(
            path=path, text=text, foreign=not begins, edited=is_edited(text, fresh=fresh)
        )
    return found


def find_edited(folder: Path, rendered: Mapping[str, str]) -> dict[str, Rendered]:
    """Return the rendered files beside the spec that a person has edited, by name."""
    found = find_rendered(folder, rendered)
    return {name: file for name, file in found.items() if file.edited and not file.foreign}


def refuse_foreign(folder: Path, rendered: Mapping[str, str]) -> None:
    """Raise SpecError where a file has the name of a rendered one and is not scoredock's."""
    for file in find_rendered(folder, rendered).values():
        if file.foreign:
            raise SpecError(
                "scoredock did not write this file and would overwrite it",
                path=str(file.path),
                hint="name another folder with --output",
            )


def settle_edits(
    rendered: Mapping[str, str],
    *,
    beside: Path,
    context: Path | None = None,
    as_is: bool = False,
    force: bool = False,
    warn: Callable[[str], None],
    note: Callable[[str], None],
) -> dict[str, str]:
    """Return the texts to build from: fresh ones, or those that were edited by hand.

    `beside` is the folder of the spec, `context` that of the written context. With `as_is` an
    edited file is taken as it stands, and so is a Dockerfile beside the spec that scoredock did
    not write; with `force` it is rendered anew where it lies.

    Raises SpecError where a file was edited and neither is set, and for two edited files of which
    only one can be taken.
    """
    own = find_edited(beside, rendered)
    if as_is:
        own = {
            name: file
            for name, file in find_rendered(beside, rendered).items()
            if name in own or (file.foreign and name != CONDA_FILE)
        }
    written = find_rendered(context, rendered) if context else {}
    written = {name: file for name, file in written.items() if file.edited}
    edited = [*own.values(), *written.values()]
    if edited and not (as_is or force):
        raise SpecError(
            "edited by hand since scoredock rendered it",
            path=" and ".join(str(file.path) for file in edited),
            hint=THREE_WAYS,
        )
    if force:
        write_rendered({name: rendered[name] for name in own}, beside)
        return dict(rendered)
    if both := sorted(own.keys() & written.keys()):
        raise SpecError(
            f"edited by hand, and so is {written[both[0]].path}",
            path=str(own[both[0]].path),
            hint="remove the one that is not to be built from",
        )
    for name, file in {**own, **written}.items():
        _check_text(file)
        note(f"{file.path} is used as it stands")
        if older := differences(file.text, fresh=rendered[name]):
            warn(f"{file.path} was rendered from another {' and '.join(older)}, and then edited")
    # A copy says that it is one: else the next build would take it for an edit of the context.
    copies = {name: mark_copy(file.text) for name, file in own.items()}
    return {**rendered, **copies, **{name: file.text for name, file in written.items()}}


def _check_text(file: Rendered) -> None:
    try:
        file.text.encode()
    except UnicodeEncodeError:
        raise SpecError("not UTF-8", path=str(file.path), hint="save it as UTF-8") from None
