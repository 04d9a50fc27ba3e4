"""The images that a Dockerfile text takes from elsewhere, by the names that BuildKit looks up."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from scoredock.dockerfile import mount_options, parse_from
from scoredock.dockerfile_text import parse, split_flags

# The one name that stands for no image.
_SCRATCH: Final = "scratch"
# What BuildKit sets itself, for each platform: nobody else can tell.
_PLATFORM: Final = re.compile(r"(TARGET|BUILD)(PLATFORM|OS|OSVERSION|ARCH|VARIANT)")
_VARIABLE: Final = re.compile(
    r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<colon>:?)(?P<sign>[-+])(?P<word>[^{}$]*))?\})"
)


def image_names(text: str) -> tuple[str, ...]:
    """Return the images that FROM, COPY --from and mounts name, each once.

    Arguments before the first FROM have their defaults. A name that only the build can tell keeps
    its variable.
    """
    parsed = list(parse(text, "Dockerfile"))
    stages = [parse_from(each)["name"].lower() for each in parsed if each.keyword == "FROM"]
    arguments: dict[str, str] = {}
    above: list[str] = []
    found = [_SCRATCH, ""]
    for each in parsed:
        if each.keyword == "ARG" and not above:
            arguments |= _defaults(each.rest, arguments)
        elif each.keyword == "FROM":
            image = _expanded(parse_from(each)["image"].strip("\"'"), arguments)
            found += [image] if image.lower() not in above else []
            above.append(stages[len(above)])
        elif each.keyword in ("COPY", "RUN"):
            names = _taken_from(split_flags(each.rest)[0])
            # Stages can be counted, too.
            found += [name for name in names if name.lower() not in stages and not name.isdecimal()]
    return tuple(dict.fromkeys(found))[2:]


def fetches(text: str) -> bool:
    """Tell whether a step of a Dockerfile text may take something from the network."""
    parsed = parse(text, "Dockerfile")
    return any(
        each.keyword == "RUN" or (each.keyword == "ADD" and "://" in each.rest) for each in parsed
    )


def _defaults(rest: str, arguments: Mapping[str, str]) -> dict[str, str]:
    """Return what an ARG sets; without a default it sets nothing."""
    try:
        words = shlex.split(rest)
    except ValueError:  # BuildKit's to refuse
        return {}
    pairs = [word.partition("=") for word in words]
    return {name: _expanded(value, arguments) for name, equals, value in pairs if equals}


def _taken_from(flags: Iterable[str]) -> Iterator[str]:
    for flag in flags:
        if flag.startswith("--from="):
            yield flag.removeprefix("--from=")
        elif flag.startswith("--mount="):
            yield mount_options(flag).get("from", "")


def _expanded(name: str, arguments: Mapping[str, str]) -> str:
    """Return the name with its variables' values, as BuildKit has them: empty where there is none.

    Those of the platform stay, and so does what is more than a value or a default.
    """

    def value(found: re.Match[str]) -> str:
        variable = found["plain"] or found["name"]
        if _PLATFORM.fullmatch(variable):
            return found[0]
        held = arguments.get(variable)
        # With a colon an empty value is none.
        is_set = held is not None and not (found["colon"] and not held)
        if found["sign"] == "+":
            return found["word"] if is_set else ""
        return (held or "") if is_set or not found["sign"] else found["word"]

    return _VARIABLE.sub(value, name)
