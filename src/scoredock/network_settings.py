"""Read the network settings: of a file, of variables, and from this machine what they refer to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from scoredock.errors import SpecError
from scoredock.logins import Logins
from scoredock.network import NO_NETWORK, Network, variable_of
from scoredock.problems import first_problem

_PEM = "-----BEGIN CERTIFICATE-----"


def read_network(path: Path | None, variables: Mapping[str, str]) -> Network:
    """Return the settings of the file, and those of NETWORK_* variables in their place.

    `ca` is PEM text. Raises SpecError; no message quotes a value.
    """
    written = _of_file(path) if path else NO_NETWORK
    return written.model_copy(update=_of_variables(variables))


def with_logins(given: Network, logins: Logins) -> Network:
    """Return the settings with the machine's logins in the URLs that have none."""

    def each(urls: Mapping[str, str]) -> dict[str, str]:
        return {name: logins.add_to(url) for name, url in urls.items()}

    return given.model_copy(
        update={
            "python_index": logins.add_to(given.python_index),
            "extra_python_indexes": [logins.add_to(url) for url in given.extra_python_indexes],
            "conda_mirrors": each(given.conda_mirrors),
            "apt_mirrors": each(given.apt_mirrors),
        }
    )


def _of_file(path: Path) -> Network:
    data = _load(path)
    try:
        written = Network.model_validate({} if data is None else data)
    except ValidationError as error:
        place, message = first_problem(error)
        keys = ", ".join(Network.model_fields)
        raise SpecError(
            message, path=f"{path}: {place}".rstrip(": "), hint=f"the settings are {keys}"
        ) from None
    ca = _authorities(written.ca, path.parent, f"{path}: ca")
    return written.model_copy(update={"ca": ca})


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError("no such file", path=str(path), hint="set NETWORK_FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"cannot be read: {type(error).__name__}", path=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise SpecError(f"{line}not YAML", path=str(path)) from None


def _of_variables(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that variables say; an empty one says nothing."""
    found = {}
    for name in Network.model_fields:
        variable = variable_of(name)
        text = variables.get(variable, "").strip()
        if not text:
            continue
        value = _parse(text, kind=type(getattr(NO_NETWORK, name)), variable=variable)
        try:
            checked = Network.model_validate({name: value})
        except ValidationError as error:
            place, message = first_problem(error)
            raise SpecError(message, path=f"{variable}{place.removeprefix(name)}") from None
        found[name] = getattr(checked, name)
    if "ca" in found:
        found["ca"] = _authorities(found["ca"], Path(), variable_of("ca"))
    return found


def _parse(text: str, *, kind: type, variable: str) -> Any:
    """Return a list of words, a map of NAME=VALUE words, or the text, as the setting is."""
    if kind is list:
        return text.split()
    if kind is not dict:
        return text
    words = [word.partition("=") for word in text.split()]
    if not all(equals for _, equals, _ in words):
        raise SpecError(
            "expected NAME=VALUE, and blanks between several, found a word without =",
            path=variable,
        )
    return {name: value for name, _, value in words}


def _authorities(value: str, folder: Path, place: str) -> str:
    """Return PEM text; a relative path starts at `folder`."""
    if not value or _PEM in value:
        return value
    path = folder / value
    files = [path] if path.is_file() else sorted(p for p in path.glob("*") if p.is_file())
    try:
        texts = [file.read_text(encoding="utf-8") for file in files if file.suffix != ".key"]
    except (OSError, UnicodeDecodeError):
        texts = []
    found = [text for text in texts if _PEM in text]
    if not found:
        raise SpecError(
            f"expected a PEM file of certificates or a folder of them, found none at {path}",
            path=place,
        )
    return "\n".join(found)
