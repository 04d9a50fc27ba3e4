"""What a setting is, and the kinds of values: how each is read, and how it is told to people."""

import os
from typing import Any, Callable, NamedTuple, Optional


class SettingError(Exception):
    """A setting has a value that cannot be used; `status` is the server's exit status."""

    def __init__(self, message: str, *, status: int = 3) -> None:
        super().__init__(message)
        self.status = status


def unreadable(name: str, path: str, error: OSError) -> SettingError:
    """Return the error for a file that cannot be read; a mounted one is often another user's."""
    who = " by user {}".format(os.getuid()) if isinstance(error, PermissionError) else ""
    return SettingError("{}={}: cannot be read{}: {}".format(name, path, who, error.strerror))


class Kind(NamedTuple):
    """`read` turns text into the value and raises ValueError with what was expected.

    `nothing` is the value where there is neither a setting nor a default; `empty_counts` says that
    an empty text is a value, not a missing one.
    """

    label: str
    read: Callable[[str], Any]
    nothing: Any = ""
    empty_counts: bool = False


class Setting(NamedTuple):
    """One row of the table: `name` is the variable, `attribute` its place in Settings.

    `improved` is the default where SCOREDOCK_COMPATIBILITY is `improved`; `status` is the exit
    status of the server for a value that it cannot use, as in the reference server.
    """

    area: str
    attribute: str
    name: str
    kind: Kind
    default: str
    meaning: str
    flag: str = ""
    improved: Optional[str] = None
    status: int = 3


def integer(least: int, most: Optional[int] = None) -> Kind:
    """Return the kind of whole numbers from `least` to `most`."""
    label = "{} to {}".format(least, most) if most else "{} or more".format(least)

    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            raise ValueError("expected a whole number, {}".format(label))
        return number

    return Kind(label, read, nothing=0)


def choice(*values: str) -> Kind:
    """Return the kind of one of `values`, in any case."""

    def read(value: str) -> str:
        for known in values:
            if known.lower() == value.strip().lower():
                return known
        raise ValueError("expected {} or {}".format(", ".join(values[:-1]), values[-1]))

    return Kind(", ".join(values), read)


def _switch(value: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "on": True}
    known.update({"false": False, "0": False, "no": False, "off": False})
    try:
        return known[value.strip().lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def _switch_or_auto(value: str) -> Optional[bool]:
    try:
        return None if value.strip().lower() == "auto" else _switch(value)
    except ValueError:
        raise ValueError("expected auto, true or false") from None


def _percent(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise ValueError("expected a number, 0 to 100")
    return number


port_number = integer(1, 65535)
any_port = integer(0, 65535)  # 0: one that the system chooses


def _address(value: str) -> str:
    if value.startswith(("unix:", "fd:")):
        return value
    if value.startswith("["):  # IPv6
        host, _, port = value.partition("]")
        host, port = host + "]", port.lstrip(":")
    else:
        host, _, port = value.partition(":")
    return "{}:{}".format(host or "0.0.0.0", any_port.read(port or "5001"))  # noqa: S104 - as the reference server


address = Kind("ADDRESS:PORT", _address)
text = Kind("text", str)
switch = Kind("true, false", _switch, nothing=False)
switch_or_auto = Kind("auto, true, false", _switch_or_auto, nothing=None)
exactly_true = Kind(
    "true, false", lambda value: value.lower() == "true", nothing=False, empty_counts=True
)
percent = Kind("0 to 100", _percent)
