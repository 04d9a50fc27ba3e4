"""Lines for pip: those of a requirements file, and those of a `pip:` section.

The rules are pip's own (documentation, "Requirements File Format"): a backslash joins lines, ` #`
begins a comment, `-r` names a file relative to the one that it stands in. conda writes the items
of a `pip:` section into such a file beside the conda file, so the same rules hold there.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

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
# What pip reads begins like one of these; what follows is for pip to judge.
_REQUIREMENT = re.compile(r"-|[A-Za-z0-9][\w.-]*\s*(?:$|[\[(<>=!~;@])|[\w+.-]+://|/")
# Two files that each name the next one twice would unfold without an end in sight.
_MOST_FILES = 100
_CREDENTIALS = re.compile(r"://[^/@\s]*:[^/@\s]+@")


class Line(NamedTuple):
    """One line for pip, and where it stands."""

    text: str
    place: str


def read_requirements(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read a requirements file as an environment: its lines, and no word about Python."""
    path = document.path
    lines = list(requirement_lines(path, main=path, findings=findings))
    places = {f"dependencies[0].pip[{number}]": line.place for number, line in enumerate(lines)}
    section = PipSection(pip=tuple(line.text for line in lines))
    conda = CondaDependencies(dependencies=(section,)).found_at({"": f"{path.name}: "} | places)
    return Reading(
        spec=environment_of(conda, label=path.name),
        form="requirements file",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
    )


def requirement_lines(
    path: Path, *, main: Path, findings: Findings, within: tuple[Path, ...] = ()
) -> Iterator[Line]:
    """Yield the lines of a requirements file; those of files that it names stand in their place."""
    if path.resolve() in within:
        raise SpecError("names itself with -r", path=label_of(path, main))
    if len(findings.files) > _MOST_FILES:
        raise SpecError(f"names more than {_MOST_FILES} files with -r", path=label_of(main, main))
    text = read_text(path)
    findings.files.append(path)
    label = label_of(path, main)
    numbered = (
        Line(line, f"{label}:{number}") for number, line in enumerate(text.splitlines(), start=1)
    )
    for line in joined_lines(numbered):
        if whole := without_comment(line.text):
            yield from taken_along(
                Line(whole, line.place),
                folder=path.parent,
                main=main,
                findings=findings,
                within=(*within, path.resolve()),
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
    if _CREDENTIALS.search(line.text):
        findings.warnings.append(
            f"{line.place}: holds a password, which everybody reads who gets the file: "
            "write it into a pip.conf and pass that with --pip-config"
        )
    option = _FILE_OPTION.fullmatch(line.text)
    if option is None:
        yield _not_local(line)
        return
    name, rest = option["name"], option["rest"].strip()
    if rest:
        # pip itself reads no further than the file's name.
        findings.warnings.append(f"{line.place}: {rest!r} has no effect on {option['option']}")
    if "://" in name:
        yield Line(f"{option['option']} {name}", line.place)
    elif option["option"] in ("-c", "--constraint"):
        raise SpecError(
            f"constraints of a file are not taken along, found {name!r}",
            path=line.place,
            hint="write the versions into the pip: section, or a URL after -c",
        )
    else:
        path = folder / name
        if not path.is_file():
            raise SpecError(
                f"names {name!r}, which is not there",
                path=line.place,
                hint=f"put it into {folder}, or write its lines in place of this one",
            )
        yield from requirement_lines(path, main=main, findings=findings, within=within)


def _not_local(line: Line) -> Line:
    if _EDITABLE.match(line.text) or _LOCAL.match(line.text):
        what = _EDITABLE.sub("", line.text)
        if "://" not in what or what.startswith("file:"):
            raise SpecError(
                f"a package on this machine cannot be taken along, found {line.text!r}",
                path=line.place,
                hint="name it by a URL, or by its name once it is on a package index",
            )
    if not _REQUIREMENT.match(line.text):
        raise SpecError(
            f"expected a requirement or an option of pip, found {line.text!r}", path=line.place
        )
    return line
