"""A user's Dockerfile text as the first stages of ours: read as BuildKit does, changed little.

Its last stage gets a name for ours to begin from, stage names that ours have are changed, and files
of its build context are looked for in one folder of the whole context.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scoredock.errors import SpecError

# The folder of the whole build context that the text's own context is copied to.
FOLDER: Final = "base_context"
# The names of the stages in Dockerfile.j2; those of conda channels begin with the second.
RESERVED: Final = ("code", "channel", "base", "build", "final")

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
_FROM: Final = re.compile(
    r"(?P<flags>(?:--\S+\s+)*)(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*", re.IGNORECASE
)
_APT: Final = re.compile(r"\bapt(?:-get|itude)?\b")
_REMOTE: Final = re.compile(r"https?://|git@|git://|ssh://")
# And halves of characters, which no file can hold.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseStages:
    """What is printed before our own stages."""

    text: str
    """The Dockerfile text."""
    stage: str
    """The name of its last stage."""
    image: str
    """What that stage starts from in the end, as it is written."""
    files: tuple[str, ...]
    """What it takes from its build context: the sources of COPY, ADD and bind mounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instruction:
    """One instruction, or (without a keyword) a comment or an empty line."""

    place: str
    keyword: str
    rest: str
    """What follows the keyword, in one line."""
    body: str
    """The here-documents below it."""
    lines: str
    """All of it as it is written."""


def base_stages(text: str, *, place: str) -> tuple[BaseStages, list[str]]:
    """Return the stages to print, and a note for what a person may not expect in them.

    Raises SpecError, with the line of the text, for what cannot be the beginning of a Dockerfile.
    """
    parsed = list(_parse(text, place))
    froms = [_parse_from(each) for each in parsed if each.keyword == "FROM"]
    if not froms:
        raise SpecError("expected a FROM instruction, found none", path=place)
    taken = {found["name"].lower() for found in froms}
    renamed = {name: _free(f"user-{name}", taken) for name in sorted(taken) if _is_reserved(name)}
    notes = [
        f"{place}: the stage {old!r} is called {new!r}, since scoredock has one of that name"
        for old, new in renamed.items()
    ]
    last = froms[-1]
    name = last["name"] or _free("dockerfile", taken)
    stage = renamed.get(name.lower(), name)
    image = last["image"]
    for earlier in reversed(froms[:-1]):
        image = earlier["image"] if earlier["name"].lower() == image.lower() else image
    files: list[str] = []
    written = []
    for each in parsed:
        if each.keyword == "FROM":
            found = froms.pop(0)
            written.append(_write_from(found, stage if found is last else found["name"], renamed))
        elif each.keyword in ("COPY", "ADD"):
            written.append(_write_copy(each, renamed, files))
        elif each.keyword == "RUN":
            written.append(_write_run(each, renamed, files))
        else:
            written.append(each.lines)
    return (
        BaseStages(
            text="\n".join(written).strip("\n"),
            stage=stage,
            image=image,
            files=tuple(dict.fromkeys(files)),
        ),
        notes,
    )


def mount_for_apt(text: str, mounts: Sequence[str], *, place: str) -> str:
    """Return instructions with these mounts for each RUN that names apt, and has none of them.

    Raises SpecError, with the line of the text, for what is no instruction.
    """
    written = []
    for each in _instructions(re.split(r"\r\n|\n", text), 0, place):
        lines = each.lines
        if each.keyword == "RUN" and _APT.search(lines) and mounts[0] not in lines:
            keyword = re.match(r"\s*\w+", lines)[0]  # type: ignore[index] # it has one
            mounted = "".join(f" {mount} \\\n   " for mount in mounts)
            lines = keyword + mounted + lines.removeprefix(keyword)
        written.append(lines)
    return "\n".join(written)


def _is_reserved(name: str) -> bool:
    return name in RESERVED or name.startswith("channel")


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free(f"{name}-", taken)


def _parse(text: str, place: str) -> Iterator[_Instruction]:
    """Yield the instructions of a text, in whose directives nothing stands that changes them."""
    if odd := _CONTROL.search(text):
        raise SpecError(f"expected text, found {odd[0]!r}", path=place)
    lines = re.split(r"\r\n|\n", text)
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


def _instructions(lines: list[str], index: int, place: str) -> Iterator[_Instruction]:
    while index < len(lines):
        found, index = _next(lines, index, place)
        yield found


def _next(lines: list[str], index: int, place: str) -> tuple[_Instruction, int]:
    """Return the instruction that begins at a line, and the index of the line after it."""
    place, begin = f"{place}:{index + 1}", index
    if _COMMENT.fullmatch(lines[index]):
        return _Instruction(
            place=place, keyword="", rest="", body="", lines=lines[index]
        ), index + 1
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
        raise SpecError(f"expected an instruction, found {whole.strip()[:40]!r}", path=place)
    end = index
    if keyword in ("RUN", "COPY", "ADD"):
        for heredoc in _heredocs(match["rest"] or ""):
            index = _end_of(heredoc, lines, index, place)
    found = _Instruction(
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


def _parse_from(each: _Instruction) -> dict[str, str]:
    match = _FROM.fullmatch(each.rest)
    if match is None or "{{" in each.rest:
        raise SpecError(
            f"expected FROM IMAGE or FROM IMAGE AS NAME, found {each.lines!r}", path=each.place
        )
    return {name: value or "" for name, value in match.groupdict().items()}


def _write_from(found: Mapping[str, str], name: str, renamed: Mapping[str, str]) -> str:
    image = renamed.get(found["image"].lower(), found["image"])
    name = renamed.get(name.lower(), name)
    return f"FROM {found['flags']}{image}" + (f" AS {name}" if name else "")


def _write_copy(each: _Instruction, renamed: Mapping[str, str], files: list[str]) -> str:
    """Return COPY or ADD, whose sources are looked for in the folder of the text's own context."""
    flags, rest = _flags(each.rest)
    if "--parents" in flags:
        raise SpecError("--parents is not supported", path=each.place)
    stage = next((flag for flag in flags if flag.startswith("--from=")), "")
    if stage:
        name = stage.removeprefix("--from=")
        flags[flags.index(stage)] = f"--from={renamed.get(name.lower(), name)}"
        return _joined(each, flags, rest)
    words = _json_list(rest) or rest.split()
    if len(words) < 2:
        raise SpecError(f"expected sources and a destination, found {each.rest!r}", path=each.place)
    sources = [_source(word, files) for word in words[:-1]]
    if rest.startswith("["):
        return _joined(each, flags, json.dumps([*sources, words[-1]], ensure_ascii=False))
    return _joined(each, flags, " ".join([*sources, words[-1]]))


def _flags(rest: str) -> tuple[list[str], str]:
    flags = []
    while match := re.match(r"(--\S+)\s+", rest):
        flags.append(match[1])
        rest = rest[match.end() :]
    return flags, rest


def _json_list(rest: str) -> list[str]:
    try:
        found = json.loads(rest)
    except ValueError:
        return []
    return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else []


def _source(word: str, files: list[str]) -> str:
    """Return where a source lies in the whole context; it cannot be above the text's own."""
    if word.startswith("<<") or _REMOTE.match(word):
        return word
    inside = posixpath.normpath(f"/{word}").lstrip("/") or "."
    files.append(inside)
    return f"{FOLDER}/{inside}"


def _joined(each: _Instruction, flags: list[str], rest: str) -> str:
    line = " ".join([each.keyword, *flags, rest])
    return f"{line}\n{each.body}" if each.body else line


def _write_run(each: _Instruction, renamed: Mapping[str, str], files: list[str]) -> str:
    """Return RUN, whose bind mounts are of that folder where they name no other stage."""
    lines = each.lines
    for flag in _flags(each.rest)[0]:
        if not flag.startswith("--mount="):
            continue
        options = dict(
            option.partition("=")[::2] for option in flag.removeprefix("--mount=").split(",")
        )
        if "from" in options:
            options["from"] = renamed.get(options["from"].lower(), options["from"])
        elif options.get("type", "bind") == "bind":
            source = options.pop("src", "") or options.pop("source", "") or "."
            options["source"] = _source(source, files)
        changed = ",".join(f"{key}={value}" if value else key for key, value in options.items())
        lines = lines.replace(flag, f"--mount={changed}", 1)
    return lines
