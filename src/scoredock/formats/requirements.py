"""Lines for pip: those of a requirements file, and those of a `pip:` section.

The rules are pip's own (documentation, "Requirements File Format"): a backslash joins lines, ` #`
begins a comment, `-r` names a file relative to the one that it stands in. conda writes the items
of a `pip:` section into such a file beside the conda file, so the same rules hold there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from scoredock.errors import SpecError
from scoredock.formats.document import Document, label_of, read_text
from scoredock.formats.reading import Findings, Reading, environment_of
from scoredock.spec import CondaDependencies, PipSection

_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_FILE_OPTION = re.compile(
    r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(?P<name>\S+)(?P<rest>.*)"
)
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]+")
_LOCAL = re.compile(
    r"\.{1,2}(?:/|$)|file:|[^:@]*\.(?:whl|zip|tar\.gz|tar\.bz2)(?:\[.*\])?$", re.IGNORECASE
)
_WHEEL = re.compile(r"\.whl(?:\[.*\])?$", re.IGNORECASE)
# Where packages are looked for, in a folder that is not one of the image.
_PLACE = re.compile(
    r"(?:-f|--find-links|-i|--index-url|--extra-index-url)(?:\s*=\s*|\s+)(?P<name>(?![/$])(?!\S+:)\S+)"
)
_BRING_WHEELS = (
    "put it on a package index; or bring its folder with a BaseDockerfile, FROM ${BASE_IMAGE} and "
    "COPY wheels /wheels, and write --find-links /wheels and NAME==VERSION here"
)
_BUILD_WHEEL = (
    "put it into the folder of the entry script if that imports it; or make a wheel of it with "
    "`pip wheel`, and put that on a package index"
)
# What pip reads begins like one of these; what follows is for pip to judge.
_REQUIREMENT = re.compile(r"-|[A-Za-z0-9][\w.-]*\s*(?:$|[\[(<>=!~;@])|[\w+.-]+://|/")
# Two files that each name the next one twice would unfold without an end in sight.
_MOST_FILES = 100


class Line(NamedTuple):
    """One line for pip, where it stands, and whether it only holds what others ask for."""

    text: str
    place: str
    constraint: bool = False


def read_requirements(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read a requirements file as an environment: its lines, and no word about Python."""
    path = document.path
    lines = list(requirement_lines(path, main=path, findings=findings))
    conda = of_lines(lines, {"": f"{path.name}: "})
    return Reading(
        spec=environment_of(conda, label=path.name),
        form="requirements file",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
    )


def of_lines(lines: Sequence[Line], places: Mapping[str, str]) -> CondaDependencies:
    """Return the conda part of a file of requirements."""
    wanted = [line for line in lines if not line.constraint]
    held = [line for line in lines if line.constraint]
    there = {f"dependencies[0].pip[{number}]": line.place for number, line in enumerate(wanted)}
    there |= {f"constraints[{number}]": line.place for number, line in enumerate(held)}
    conda = CondaDependencies(dependencies=(PipSection(pip=tuple(line.text for line in wanted)),))
    return conda.held_to(tuple(line.text for line in held)).found_at({**places, **there})


def requirement_lines(
    path: Path,
    *,
    main: Path,
    findings: Findings,
    within: tuple[Path, ...] = (),
    constraint: bool = False,
) -> Iterator[Line]:
    """Yield the lines of a requirements file; those of files that it names stand in their place.

    With `constraint` it is one of constraints. As with pip, a file that such a one names with -r
    is one of requirements all the same, and options in it hold for everything.
    """
    resolved = path.resolve()
    if resolved in within:
        raise SpecError("names itself with -r or -c", path=label_of(path, main))
    if len(findings.files) > _MOST_FILES:
        what = f"names more than {_MOST_FILES} files with -r or -c"
        raise SpecError(what, path=label_of(main, main))
    text = read_text(path)
    findings.files.append(path)
    label = label_of(path, main)
    numbered = (
        Line(line, f"{label}:{number}") for number, line in enumerate(text.splitlines(), start=1)
    )
    for line in joined_lines(numbered):
        if whole := without_comment(line.text):
            yield from taken_along(
                Line(whole, line.place, constraint and not whole.startswith("-")),
                folder=path.parent,
                main=main,
                findings=findings,
                within=(*within, resolved),
            )


def joined_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines with those joined that end in a backslash, at the place of the first."""
    begun: Line | None = None
    for line in lines:
        whole = Line(begun.text + line.text, begun.place) if begun else line
        if line.text.endswith("\\") and not line.text.lstrip().startswith("#"):
            begun = Line(whole.text[:-1], whole.place)
        else:
            yield whole
            begun = None
    if begun:
        yield begun


def without_comment(text: str) -> str:
    """Return what pip reads of a line; empty for a comment."""
    return _COMMENT.sub("", text).strip()


def taken_along(
    line: Line, *, folder: Path, main: Path, findings: Findings, within: tuple[Path, ...] = ()
) -> Iterator[Line]:
    """Yield what the line means where its files are not at hand: in the image, on another machine.

    Raises SpecError for what only this machine has.
    """
    option = _FILE_OPTION.fullmatch(line.text)
    if option is None:
        yield _not_local(line)
        return
    name, rest = option["name"], option["rest"].strip()
    if rest:
        # pip itself reads no further than the file's name.
        findings.warnings.append(f"{line.place}: {rest!r} has no effect on {option['option']}")
    if "://" in name and not name.startswith("file:"):
        yield Line(f"{option['option']} {name}", line.place)
        return
    path = folder / unquote(name.removeprefix("file://"))
    if not path.is_file():
        raise SpecError(
            f"names {name!r}, which is not there",
            path=line.place,
            hint=f"put it into {folder} and name it without a folder"
            if path.is_absolute() and name.startswith(("/", "file:"))
            else f"put it into {folder}, or remove the line",
        )
    constraint = option["option"] in ("-c", "--constraint")
    yield from requirement_lines(
        path, main=main, findings=findings, within=within, constraint=constraint
    )


def _not_local(line: Line) -> Line:
    if folder := _PLACE.match(line.text):
        raise SpecError(
            f"a folder on this machine cannot be taken along, found {folder['name']!r}",
            path=line.place,
            hint=_BRING_WHEELS,
        )
    if _EDITABLE.match(line.text) or _LOCAL.match(line.text):
        what = _EDITABLE.sub("", line.text)
        if "://" not in what or what.startswith("file:"):
            raise SpecError(
                f"a package on this machine cannot be taken along, found {line.text!r}",
                path=line.place,
                hint=_BRING_WHEELS if _WHEEL.search(what) else _BUILD_WHEEL,
            )
    if not _REQUIREMENT.match(line.text):
        raise SpecError(
            f"expected a requirement or an option of pip, found {line.text!r}", path=line.place
        )
    return line
