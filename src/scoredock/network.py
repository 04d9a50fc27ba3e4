"""How a build reaches what it needs in a company network: settings, and what each tool gets.

Pure: network_file.py reads the file and the machine's own credentials. The settings reach a build
as one secret, a JSON object that docker/install/network.py reads, and as BuildKit's predefined
proxy arguments, which no image records.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from rattler import Channel

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
    """The settings of network.yaml; what is left out changes nothing."""

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
        """Return the build secret: JSON, what an installer has to know. It holds credentials."""
        # `defaults` first: a mirror of one of its two by URL is the one that holds.
        names = sorted(self.conda_mirrors, key=lambda name: name != "defaults")
        mirrors = {url: self.conda_mirrors[name] for name in names for url in channel_urls(name)}
        told = self.model_dump(exclude={"registry_mirrors"}, exclude_defaults=True)
        return json.dumps(told | ({"conda_mirrors": mirrors} if mirrors else {}))

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
        """Return BuildKit's named contexts that take the images' place, by image.

        So the Dockerfile and the labels keep the public name, and the mirror's is in neither.
        """
        moved = {image: self.mirrored(image) for image in images.values()}
        return {
            image: f"docker-image://{mirror}" for image, mirror in moved.items() if mirror != image
        }


def split_image(image: str) -> tuple[str, str]:
    """Return the registry and the rest of an image's name, as docker completes a short one."""
    first, slash, rest = image.partition("/")
    if slash and (re.search(r"[.:]", first) or first == "localhost"):
        return ("docker.io" if first == "index.docker.io" else first), rest
    return "docker.io", image if slash else f"library/{image}"


def channel_urls(channel: str) -> tuple[str, ...]:
    """Return where a conda channel is, given by name or URL; only `defaults` is more than one."""
    return _DEFAULTS if channel == "defaults" else (Channel(channel).base_url.rstrip("/"),)


# What pip, uv, py-rattler and BuildKit say, and the setting that it is about; the first that is
# found holds.
_HINTS = {
    r"x509:": "put the registry's authority at /etc/docker/certs.d/HOST:PORT/ca.crt",
    r"\b401\b|authentication\s+credentials": "python_index, conda_mirrors: put the login of the "
    "host that said 401 into ~/.netrc; a registry's: docker login",
    r"certificate verify failed|UnknownIssuer|invalid peer certificate": "trust the authority of "
    "the server, or of the proxy: ca in the --network file, or --ca-file",
    r"conda channel .* does not answer": "set conda_mirrors in the --network file, or a channel "
    "that this network has",
    r"\b407\b": "give the proxy its login: http://user:password@host:port in https_proxy",
    r"[Tt]unnel": "the proxy refuses: set python_index or conda_mirrors in the --network file to "
    "what it lets through, or another https_proxy",
    r"Connection refused|timed out|Temporary failure in name|dns error|unreachable": "set "
    "python_index, conda_mirrors or https_proxy in the --network file: see docs/network.md",
}


def network_hint(log: Sequence[str]) -> str:
    """Return the setting to look at because of a step's last lines; empty where none comes up."""
    text = "\n".join(log)
    return next((hint for pattern, hint in _HINTS.items() if re.search(pattern, text)), "")


NO_NETWORK = Network()
