"""How a build reaches what it needs in a company network: settings, and what each tool gets.

Pure: network_settings.py reads them, and logins.py the machine's own credentials. They reach a
build as secrets (a JSON object that docker/install/network.py reads, and what apt.py makes) and as
BuildKit's predefined proxy arguments, which no image records.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from scoredock.apt import apt_secrets

# Beside the spec, where it is read unless another file is named. Not network.yaml: people have
# files of that name for another kind of network.
NETWORK_FILE = "scoredock.network.yaml"
# The build arguments that BuildKit knows without a line in the Dockerfile, by setting.
_PROXY_ARGUMENTS = {
    "http_proxy": "HTTP_PROXY",
    "https_proxy": "HTTPS_PROXY",
    "no_proxy": "NO_PROXY",
}
# What conda takes the name for; docker/install/conda_packages.py asks these.
_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")


def _is_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]\S*", value):
        raise ValueError("expected an http:// or https:// URL")
    return value


def _is_image_prefix(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9][\w.:/-]*", value) or "//" in value:
        raise ValueError("expected HOST[:PORT][/PATH], without https://")
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_is_url)]
ImagePrefix = Annotated[str, AfterValidator(_is_image_prefix)]


class Network(BaseModel):
    """The settings, by their names in the file; what is left out changes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    registry_mirrors: dict[str, ImagePrefix] = Field(
        default={},
        description="A registry, as `docker.io`, and what to pull its images from instead.",
    )
    python_index: Url = Field(
        default="", description="The Python package index, in place of the public one."
    )
    extra_python_indexes: list[Url] = Field(
        default=[], description="More Python package indexes, asked beside it."
    )
    conda_mirrors: dict[str, Url] = Field(
        default={},
        description="A conda channel, by name or URL, and what to ask in its place; `defaults` is "
        "main and r of repo.anaconda.com.",
    )
    trusted_hosts: list[str] = Field(
        default=[],
        description="Hosts, as HOST or HOST:PORT, whose certificates pip and uv do not check.",
    )
    apt_mirrors: dict[Url, Url] = Field(
        default={},
        description="A Debian or Ubuntu repository, by its URL in the image's sources, and what "
        "apt asks in its place.",
    )
    http_proxy: Url = Field(default="", description="The proxy for http:// addresses.")
    https_proxy: Url = Field(default="", description="The proxy for https:// addresses.")
    no_proxy: str = Field(
        default="", description="Hosts that are asked without a proxy, with commas between them."
    )
    ca: str = Field(
        default="",
        description="Certificate authorities to trust beside the public ones: a PEM file, a folder "
        "of them, or the PEM text itself.",
    )

    def secret(self) -> str:
        """Return what the installer has to know, in JSON; it holds credentials.

        Without the authorities: those are a file of their own.
        """
        # `defaults` first: a mirror of one of its two by URL is the one that holds.
        names = sorted(self.conda_mirrors, key=lambda name: name != "defaults")
        mirrors = {url: self.conda_mirrors[name] for name in names for url in channel_urls(name)}
        told = self.model_dump(
            include={
                "python_index",
                "extra_python_indexes",
                "http_proxy",
                "https_proxy",
                "no_proxy",
            },
            exclude_defaults=True,
        )
        # pip passes over an index without TLS, unless it is told to trust it.
        plain = [url for url in self.python_indexes if url.startswith("http://")]
        trusted = [*self.trusted_hosts, *(urlsplit(without_login(url)).netloc for url in plain)]
        lists = {"trusted_hosts": list(dict.fromkeys(trusted)), "conda_mirrors": mirrors}
        told |= {name: value for name, value in lists.items() if value}
        return json.dumps(told) if told else ""

    def secrets(self, *, authorities: bool) -> dict[str, str]:
        """Return the secrets of a build, by their ids in the Dockerfile, but for the authorities.

        `authorities` tells whether there are any.
        """
        apt = apt_secrets(self.apt_mirrors, authorities=authorities)
        given = {"network": self.secret(), **apt}
        return {name: text for name, text in given.items() if text}

    @property
    def python_indexes(self) -> list[str]:
        """All of them, the one that takes the public one's place first."""
        return [url for url in [self.python_index, *self.extra_python_indexes] if url]

    def proxy_arguments(self) -> dict[str, str]:
        """Return the predefined build arguments, in both spellings: apt reads the small ones."""
        found = {name: getattr(self, key) for key, name in _PROXY_ARGUMENTS.items()}
        given = {name: value for name, value in found.items() if value}
        return given | {name.lower(): value for name, value in given.items()}

    def mirrored(self, image: str) -> str:
        """Return where to pull an image from: `image` itself where its registry has no mirror."""
        registry, path = split_image(image)
        mirror = self.registry_mirrors.get(registry)
        return f"{mirror}/{path}" if mirror else image

    def image_contexts(self, images: Mapping[str, str]) -> dict[str, str]:
        """Return BuildKit's named contexts that take the place of images.

        `images` are those to take by the names that the Dockerfile has for them: it and the labels
        keep these, and the mirror's name or the lock's digest is in neither.
        """
        pulled = {name: self.mirrored(image) for name, image in images.items()}
        return {name: f"docker-image://{image}" for name, image in pulled.items() if image != name}


def split_image(image: str) -> tuple[str, str]:
    """Return the registry and the rest of an image's name, as docker completes a short one."""
    first, slash, rest = image.partition("/")
    if slash and (re.search(r"[.:]", first) or first == "localhost"):
        return ("docker.io" if first == "index.docker.io" else first), rest
    return "docker.io", image if slash else f"library/{image}"


def variable_of(setting: str) -> str:
    """Return the environment variable of a setting."""
    return f"NETWORK_{setting.upper()}"


def without_login(url: str) -> str:
    """Return the URL as a person may see it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def channel_urls(channel: str) -> tuple[str, ...]:
    """Return where a conda channel is, given by name or URL; only `defaults` is more than one."""
    if channel == "defaults":
        return _DEFAULTS
    from rattler import Channel  # where there is a conda mirror alone is it worth its time

    return (Channel(channel).base_url.rstrip("/"),)


NO_NETWORK = Network()
