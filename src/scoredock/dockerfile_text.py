"""A Dockerfile's text as its instructions: read as BuildKit does, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scoredock.errors import SpecError
from scoredock.masking import masked

_LINE_END: Final = re.compile(r"\r\n|\n")
_DIRECTIVE: Final = re.compile(r"#\s*(?P<name>\w+)\s*=\s*(?P<value>\S+)\s*")
_INSTRUCTION: Final = re.compile(r"\s*(?P<keyword>[A-Za-z]+)(?:\s+(?P<rest>.*))?", re.DOTALL)
_CONTINUED: Final = re.compile(r"(?:^|[^\\])\\[ \t]*$")
_COMMENT: Final = re.compile(r"\s*(?:#.*)?")
# BuildKit's rule for a word that begins a here-document.
_HEREDOC: Final = re.compile(
    r"\d*<<(?P<tabs>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_]\w*)(?P=quote)(?=\s|$)"
)
_KEYWORDS: Final = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
# And halves of characters, which no file can hold.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction, or (without a keyword) a comment or an empty line."""

    place: str
    keyword: str
    rest: str
    """What follows the keyword, in one line."""
    body: str
    """The here-documents below it."""
    lines: str
    """All of it as it is written."""


def parse(text: str, place: str) -> Iterator[Instruction]:
    """Yield the instructions of a text, in whose directives nothing stands that changes them."""
    if odd := _CONTROL.search(text):
        raise SpecError(f"expected text, found {odd[0]!r}", path=place)
    lines = _LINE_END.split(text)
    index = 0
    while index < len(lines) and (directive := _DIRECTIVE.fullmatch(lines[index].strip())):
        if directive["name"].lower() == "escape" and directive["value"] != "\\":
            raise SpecError(
                f"expected \\ for an escape, found {directive['value']!r}",
                path=f"{place}:{index + 1}",
                hint="write it with \\, as scoredock's own part is",
            )
        index += 1  # below our own lines it would be a comment
    yield from _instructions(lines, index, place)


def instructions(text: str, place: str) -> Iterator[Instruction]:
    """Yield the instructions of a part of a Dockerfile, which begins with no directive."""
    return _instructions(_LINE_END.split(text), 0, place)


def _instructions(lines: list[str], index: int, place: str) -> Iterator[Instruction]:
    while index < len(lines):
        found, index = _next(lines, index, place)
        yield found


def _next(lines: list[str], index: int, place: str) -> tuple[Instruction, int]:
    """Return the instruction that begins at a line, and the index of the line after it."""
    place, begin = f"{place}:{index + 1}", index
    if _COMMENT.fullmatch(lines[index]):
        return Instruction(place=place, keyword="", rest="", body="", lines=lines[index]), index + 1
    whole = ""
    continued = True
    while continued and index < len(lines):
        line = lines[index]
        index += 1
        if index > begin + 1 and _COMMENT.fullmatch(line):
            continue
        continued = bool(_CONTINUED.search(line))
        whole += line.rstrip()[:-1] if continued else line
    match = _INSTRUCTION.fullmatch(whole)
    keyword = match["keyword"].upper() if match else ""
    if match is None or keyword not in _KEYWORDS:
        raise SpecError(
            f"expected an instruction, found {masked(whole.strip())[:40]!r}", path=place
        )
    end = index
    if keyword in ("RUN", "COPY", "ADD"):
        for heredoc in _heredocs(match["rest"] or ""):
            index = _end_of(heredoc, lines, index, place)
    found = Instruction(
        place=place,
        keyword=keyword,
        rest=(match["rest"] or "").strip(),
        body="\n".join(lines[end:index]),
        lines="\n".join(lines[begin:index]),
    )
    return found, index


def _heredocs(rest: str) -> Iterator[re.Match[str]]:
    """Yield what begins a here-document: a word of its own outside of quotes."""
    quote, word_begins = "", True
    for index, letter in enumerate(rest):
        if quote:
            quote = "" if letter == quote else quote
        elif word_begins and (found := _HEREDOC.match(rest, index)):
            yield found
        elif letter in "\"'":
            quote = letter
        word_begins = letter.isspace()


def _end_of(heredoc: re.Match[str], lines: list[str], index: int, place: str) -> int:
    for number in range(index, len(lines)):
        line = lines[number].lstrip("\t") if heredoc["tabs"] else lines[number]
        if line == heredoc["name"]:
            return number + 1
    raise SpecError(f"expected {heredoc['name']} in a line below, found none", path=place)


def split_flags(rest: str) -> tuple[list[str], str]:
    """Return the flags of an instruction, as `--from=build`, and what follows them."""
    flags = []
    while match := re.match(r"(--\S+)\s+", rest):
        flags.append(match[1])
        rest = rest[match.end() :]
    return flags, rest
