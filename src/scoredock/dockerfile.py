"""A user's Dockerfile text as the first stages of ours: read as BuildKit does, changed little.

Its last stage gets a name for ours to begin from, stage names that ours have are changed, and files
of its build context are looked for in one folder of the whole context.
"""

import itertools
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scoredock.dockerfile_text import Instruction, instructions, parse, split_flags
from scoredock.errors import SpecError

# The folder of the whole build context that the text's own context is copied to.
FOLDER: Final = "base_context"
# The names of the stages in Dockerfile.j2; those of conda channels begin with the second.
RESERVED: Final = ("code", "channel", "base", "build", "lock", "parts", "final")

_FROM: Final = re.compile(
    r"(?P<flags>(?:--\S+\s+)*)(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*", re.IGNORECASE
)
_APT: Final = re.compile(r"\bapt(?:-get|itude)?\b")
_REMOTE: Final = re.compile(r"https?://|git@|git://|ssh://")
# The build argument that names what an image starts from, where the text leaves it open.
_ARGUMENT: Final = "BASE_IMAGE"
_OPEN: Final = re.compile(rf"\$(?:{_ARGUMENT}|\{{{_ARGUMENT}\}})")
_DEFAULT: Final = re.compile(rf"{_ARGUMENT}(?:=(?P<quote>[\"']?)(?P<image>[^\s$\"']*)(?P=quote))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseStages:
    """What is printed before our own stages."""

    text: str
    """The Dockerfile text."""
    stage: str
    """The name of its last stage."""
    image: str
    """What that stage starts from in the end, as it is written; empty where that is left open."""
    open_image: bool
    """It starts from ${BASE_IMAGE}, and says no more of it than a default."""
    files: tuple[str, ...]
    """What it takes from its build context: the sources of COPY, ADD and bind mounts."""


def base_stages(text: str, *, place: str) -> tuple[BaseStages, list[str]]:
    """Return the stages to print, and a note for what a person may not expect in them.

    Raises SpecError, with the line of the text, for what cannot be the beginning of a Dockerfile.
    """
    parsed = list(parse(text, place))
    declared, default = _declaration(parsed)
    froms = [parse_from(each) for each in parsed if each.keyword == "FROM"]
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
    is_open = bool(_OPEN.fullmatch(image)) and default is not None
    if is_open:  # ours stands above the whole text
        parsed = [each for each in parsed if each is not declared]
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
            image=(default or "") if is_open else image,
            open_image=is_open,
            files=tuple(dict.fromkeys(files)),
        ),
        notes,
    )


def _declaration(parsed: list[Instruction]) -> tuple[Instruction | None, str | None]:
    """Return where BASE_IMAGE is declared above all stages, and its default.

    That is empty where nothing sets one, and None where it is made of other arguments.
    """
    for each in itertools.takewhile(lambda each: each.keyword != "FROM", parsed):
        if each.keyword == "ARG" and re.match(rf"{_ARGUMENT}(?:[=\s]|$)", each.rest):
            match = _DEFAULT.fullmatch(each.rest)
            return each, (match["image"] or "") if match else None
    return None, ""


def mount_for_apt(text: str, mounts: Sequence[str], *, place: str) -> str:
    """Return instructions with these mounts for each RUN that names apt, and has none of them.

    Raises SpecError, with the line of the text, for what is no instruction.
    """
    written = []
    for each in instructions(text, place):
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


def parse_from(each: Instruction) -> dict[str, str]:
    """Return the flags, the image and the name of a FROM; each is empty where there is none."""
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


def _write_copy(each: Instruction, renamed: Mapping[str, str], files: list[str]) -> str:
    """Return COPY or ADD, whose sources are looked for in the folder of the text's own context."""
    flags, rest = split_flags(each.rest)
    if "--parents" in flags:
        raise SpecError(
            "--parents is not supported, since the sources lie in a folder of the whole context",
            path=each.place,
            hint="write a COPY for each folder, as in COPY src/a.txt /app/src/",
        )
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


def mount_options(flag: str) -> dict[str, str]:
    """Return the options of a --mount flag; one without a value has an empty one."""
    written = flag.removeprefix("--mount=").split(",")
    return dict(option.partition("=")[::2] for option in written)


def _joined(each: Instruction, flags: list[str], rest: str) -> str:
    line = " ".join([each.keyword, *flags, rest])
    return f"{line}\n{each.body}" if each.body else line


def _write_run(each: Instruction, renamed: Mapping[str, str], files: list[str]) -> str:
    """Return RUN, whose bind mounts are of that folder where they name no other stage."""
    lines = each.lines
    for flag in split_flags(each.rest)[0]:
        if not flag.startswith("--mount="):
            continue
        options = mount_options(flag)
        if "from" in options:
            options["from"] = renamed.get(options["from"].lower(), options["from"])
        elif options.get("type", "bind") == "bind":
            source = options.pop("src", "") or options.pop("source", "") or "."
            options["source"] = _source(source, files)
        changed = ",".join(f"{key}={value}" if value else key for key, value in options.items())
        lines = lines.replace(flag, f"--mount={changed}", 1)
    return lines
