"""How the spec wants its container run: `docker run` arguments as the keys of a compose service."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from scoredock.defaults import one_line
from scoredock.errors import SpecError
from scoredock.spec import DockerSection, EnvironmentSpec

# The keys of a compose service, in the order they are written.
Options: TypeAlias = dict[str, Any]

_SIZE: Final = re.compile(r"\d+(?:\.\d+)?(?:[bkmg]|[kmg]b)?", re.IGNORECASE)
# What docker takes for no limit at all.
_UNLIMITED: Final = "-1"


class _Argument(NamedTuple):
    """An argument of `docker run`, its value (empty for a mere flag) and its place."""

    name: str
    value: str
    place: str


def runtime_options(spec: EnvironmentSpec) -> tuple[Options, list[str]]:
    """Return what the compose service gets, and a note for each argument that it does not get.

    Raises SpecError for a value that docker would refuse.
    """
    docker = spec.docker or DockerSection()
    options: Options = {}
    notes: list[str] = []
    if platform := platform_of(spec):
        options["platform"] = platform
    if docker.shm_size:
        options["shm_size"] = _size(docker.shm_size, spec.where("docker.shmSize"))
    if docker.gpu_support:
        options["deploy"] = _gpus("all", spec.where("docker.gpuSupport"))
    place = spec.where("docker.arguments")
    for argument in _arguments(docker.arguments or (), place):
        if argument.name in _TAKEN:
            key, convert = _TAKEN[argument.name]
            _merge(options, key, convert(argument.value, argument.place))
        else:
            notes.append(f"{argument.place}: {_reason(argument.name)}")
    if "ipc" in options:
        notes.append(f"{place}: --ipc {options['ipc']} lets the container see memory of others")
    if "volumes" in options:
        folders = ", ".join(volume.split(":")[0] for volume in options["volumes"])
        notes.append(f"{place}: the container sees {folders} of this machine")
    return options, notes


def platform_of(spec: EnvironmentSpec) -> str:
    """Return what the image is made for, as `linux/arm64`; empty for the machine's own."""
    platform = spec.docker and spec.docker.platform
    if not platform:
        return ""
    if (platform.os or "Linux").lower() != "linux":
        raise SpecError(
            f"expected Linux, found {platform.os!r}", path=spec.where("docker.platform.os")
        )
    architecture = (platform.architecture or "amd64").lower()
    if not re.fullmatch(r"[a-z0-9_/]+", architecture):
        raise SpecError(
            f"expected an architecture as amd64 or arm64, found {platform.architecture!r}",
            path=spec.where("docker.platform.architecture"),
        )
    # The SDK writes amd64 unasked: the machine's own is what people want then.
    return "" if architecture == "amd64" else f"linux/{architecture}"


def _arguments(words: Sequence[str], place: str) -> Iterator[_Argument]:
    """Yield the arguments: `--name=value`, `--name value` in one item or two, `-v value`."""
    tokens = [
        (token, f"{place}[{index}]") for index, word in enumerate(words) for token in _split(word)
    ]
    index = 0
    while index < len(tokens):
        token, there = tokens[index]
        index += 1
        if not token.startswith("-"):
            raise SpecError(f"expected an argument of docker run, found {token!r}", path=there)
        name, equals, value = token.partition("=")
        if not name.startswith("--") and len(name) > 2 and name[:2] in _SHORT:
            name, equals, value = name[:2], "=", token[2:]  # -v/a:/b
        name = _SHORT.get(name, name)
        follows = index < len(tokens) and not re.match(r"-(?!1$)", tokens[index][0])
        if not equals and name not in _FLAGS and follows:
            value = tokens[index][0]
            index += 1
        if not value and name in _TAKEN and name not in _FLAGS:
            raise SpecError(f"expected a value after {name}, found none", path=there)
        yield _Argument(name, value, there)


def _split(word: str) -> list[str]:
    """Split `--shm-size 2g`, which people write as one item; a value alone stays whole."""
    return (
        word.split(maxsplit=1) if word.startswith("-") and "=" not in word.split(" ")[0] else [word]
    )


_SHORT: Final = {"-v": "--volume", "-e": "--env", "-m": "--memory", "-p": "--publish",
                 "-u": "--user", "-w": "--workdir", "-h": "--hostname", "-l": "--label",
                 "--net": "--network", "-c": "--cpu-shares"}  # fmt: skip


def _merge(options: Options, key: str, value: Any) -> None:
    if isinstance(value, list):
        options[key] = [*options.get(key, []), *value]
    elif isinstance(value, dict):
        options[key] = {**options.get(key, {}), **value}
    else:
        options[key] = value


def _text(value: str, place: str) -> str:
    return one_line(value, place)


def _list(value: str, place: str) -> list[str]:
    return [_text(value, place)]


def _size(value: str, place: str) -> str:
    if not _SIZE.fullmatch(value):
        raise SpecError(f"expected a size as 2g or 512m, found {value!r}", path=place)
    return value.lower()


def _size_or_none(value: str, place: str) -> str:
    return value if value == _UNLIMITED else _size(value, place)


def _number_or_none(value: str, place: str) -> str:
    return value if value == _UNLIMITED else _number(value, place)


def _number(value: str, place: str) -> str:
    if not re.fullmatch(r"\d+(?:\.\d+)?", value):
        raise SpecError(f"expected a number, found {value!r}", path=place)
    return value


def _variable(value: str, place: str) -> dict[str, str | None]:
    name, equals, text = _text(value, place).partition("=")
    return {name: text if equals else None}


def _ulimit(value: str, place: str) -> dict[str, Any]:
    match = re.fullmatch(r"(?P<name>\w+)=(?P<soft>-?\d+)(?::(?P<hard>-?\d+))?", value)
    if match is None:
        raise SpecError(f"expected NAME=SOFT[:HARD], found {value!r}", path=place)
    soft = int(match["soft"])
    return {match["name"]: {"soft": soft, "hard": int(match["hard"] or soft)}}


def _volume(value: str, place: str) -> list[str]:
    source, colon, _ = _text(value, place).partition(":")
    if colon and not source.startswith("/"):
        raise SpecError(
            f"expected an absolute folder of this machine, found {value!r}",
            path=place,
            hint="a volume with a name is declared in compose.override.yaml",
        )
    return [value]


def _gpus(value: str, place: str) -> dict[str, Any]:
    """Return compose's words for `--gpus all`, `--gpus 2` or `--gpus device=0,1`."""
    value = value.strip("\"'")
    device: dict[str, Any] = {"driver": "nvidia", "capabilities": ["gpu"]}
    if value == "all":
        device["count"] = "all"
    elif value.isdecimal():
        device["count"] = int(value)
    elif value.startswith("device="):
        device["device_ids"] = value.removeprefix("device=").split(",")
    else:
        raise SpecError(f"expected all, a number or device=ID, found {value!r}", path=place)
    return {"resources": {"reservations": {"devices": [device]}}}


def _runtime(value: str, place: str) -> dict[str, Any]:
    if value != "nvidia":
        raise SpecError(f"expected nvidia, found {value!r}", path=place)
    return _gpus("all", place)


# What is taken: the key of the compose service, and what makes its value.
_TAKEN: Final[dict[str, tuple[str, Callable[[str, str], Any]]]] = {
    "--gpus": ("deploy", _gpus),
    "--runtime": ("deploy", _runtime),
    "--shm-size": ("shm_size", _size),
    "--memory": ("mem_limit", _size),
    "--memory-reservation": ("mem_reservation", _size),
    "--memory-swap": ("memswap_limit", _size_or_none),
    "--cpus": ("cpus", _number),
    "--cpu-shares": ("cpu_shares", _number),
    "--cpuset-cpus": ("cpuset", _text),
    "--pids-limit": ("pids_limit", _number_or_none),
    "--ulimit": ("ulimits", _ulimit),
    "--ipc": ("ipc", _text),
    "--env": ("environment", _variable),
    "--volume": ("volumes", _volume),
    "--tmpfs": ("tmpfs", _list),
    "--add-host": ("extra_hosts", _list),
    "--dns": ("dns", _list),
    "--hostname": ("hostname", _text),
}
# Arguments without a value.
_FLAGS: Final = frozenset([
    "--rm", "-d", "--detach", "-i", "--interactive", "-t", "--tty", "-it", "-ti", "--init",
    "--privileged", "--read-only", "--oom-kill-disable", "-P", "--publish-all",
    "--no-healthcheck", "--sig-proxy",
])  # fmt: skip
# What would open the container to the machine, and is for a person to say.
_OPENING: Final = frozenset([
    "--privileged", "--cap-add", "--network", "--pid", "--security-opt", "--device", "--userns",
    "--uts", "--group-add", "--cgroup-parent", "--cgroupns", "--device-cgroup-rule",
    "--volumes-from", "--mount",
])  # fmt: skip


def _reason(name: str) -> str:
    if name in _OPENING:
        return (
            f"{name} is not applied, since it opens the container to this machine: if the service "
            "needs it, write it into compose.override.yaml"
        )
    return f"{name} has no effect: the container is run by compose.yaml"
