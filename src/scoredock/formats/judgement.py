"""What no reader of one form looks for: templates not filled in, and secrets in what gets written.

The conda part is rendered into a file of the build context, which people commit and copy, and which
the build keeps: nothing in it may open a server to whoever reads it.
"""

import re
from collections.abc import Iterator

from scoredock.errors import SpecError
from scoredock.formats.document import refuse_placeholders
from scoredock.masking import VARIABLE, find_login, is_signed
from scoredock.spec import CondaDependencies, DockerSection, EnvironmentSpec

_REMEDY_PIP = (
    "name the index in the file of --network, with its login in ~/.netrc, and remove it from here "
    "(docs/network.md)"
)
_REMEDY_CHANNEL = (
    "name the channel without it, and under conda_mirrors in the file of --network the URL with it "
    "(docs/network.md)"
)
_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|ACCOUNT|PRIVATE)_?KEY|"
    r"CONNECTION_?STRING|SAS)(?:$|[_.-])",
    re.IGNORECASE,
)
_REMEDY_VARIABLE = (
    "which everybody can read who has the image: take it out of the spec and give it to the "
    "container, under environment: in a compose.override.yaml"
)
_IN_HISTORY = "which the image keeps in its history: mount it, as in RUN --mount=type=secret"


def judge(spec: EnvironmentSpec) -> Iterator[str]:
    """Yield a warning for each secret; raises SpecError for one that must not be written."""
    docker, conda = spec.docker or DockerSection(), spec.python.conda_dependencies
    channels, lines = (list(_channels(conda)), list(_pip_lines(conda))) if conda else ([], [])
    fields = (
        ("name", spec.name),
        ("version", spec.version),
        ("docker.baseImage", docker.base_image),
    )
    named = [(spec.where(path), text) for path, text in fields if text]
    refuse_placeholders([*named, *channels, *lines])
    for place, text in channels:
        _refuse_login(place, text, _REMEDY_CHANNEL)
        if variable := VARIABLE.search(text):
            raise SpecError(f"{variable[0]} is not filled in", path=place, hint=_REMEDY_CHANNEL)
    for place, text in (line for line in lines if "://" in line[1]):
        _refuse_login(place, text, _REMEDY_PIP)
        yield from _pip_warnings(place, text)
    for name, value in (spec.environment_variables or {}).items():
        text = value if isinstance(value, str) else ""
        if text and (_SECRET_NAME.search(name) or find_login(text) or is_signed(text)):
            place = spec.where(f"environmentVariables.{name}")
            yield f"{place} looks like a secret, {_REMEDY_VARIABLE}"
    place = spec.where("docker.baseDockerfile")
    for number, text in enumerate((docker.base_dockerfile or "").splitlines(), start=1):
        if what := find_login(text) or ("signature" if is_signed(text) else ""):
            yield f"{place}:{number}: a URL holds a {what}, {_IN_HISTORY}"


def _channels(conda: CondaDependencies) -> Iterator[tuple[str, str]]:
    """Yield the channels and what may name one: place and text."""
    for index, channel in enumerate(conda.channels or ()):
        yield conda.where(f"channels[{index}]"), channel
    for index, item in enumerate(conda.dependencies):
        if isinstance(item, str):
            yield conda.where(f"dependencies[{index}]"), item


def _pip_lines(conda: CondaDependencies) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(conda.dependencies):
        for number, line in enumerate(() if isinstance(item, str) else item.pip):
            yield conda.where(f"dependencies[{index}].pip[{number}]"), line
    for index, line in enumerate(conda.constraints):
        yield conda.where(f"constraints[{index}]"), line


def _refuse_login(place: str, text: str, remedy: str) -> None:
    if what := find_login(text):
        raise SpecError(
            f"a URL holds a {what}, which everybody gets who gets the rendered files",
            path=place,
            hint=remedy,
        )


def _pip_warnings(place: str, text: str) -> Iterator[str]:
    if is_signed(text):
        yield (
            f"{place}: a signed URL, which everybody can use who gets the rendered files, until it "
            "expires: put the package on an index, or its file elsewhere"
        )
    for variable in VARIABLE.finditer(text):
        yield (
            f"{place}: pip fills in {variable[0]} where it runs, and a build has no such variable: "
            f"{_REMEDY_PIP}"
        )
