"""What apt needs to ask a mirror while a step of a build runs, and nothing of it afterwards.

Pure. Two secrets, which docker/Dockerfile mounts for each step that names apt: a piece of apt's
configuration, and the program that it names in the place of apt's own transports. That program is
such a transport with a sed before and after it, so apt itself goes on to speak of the repository by
its public URL: the mirror's is neither in its lists nor in its log. Nothing is written into the
image's own sources, whatever their form.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

# Where the Dockerfile mounts the secrets: see MOUNTS.
_METHOD: Final = "/run/secrets/apt_method"
_AUTHORITIES: Final = "/run/secrets/ca_file"
# apt runs its transports as a user of its own, who has to be able to read these.
MOUNTS: Final = (
    "--mount=type=secret,id=apt_conf,target=/etc/apt/apt.conf.d/99-scoredock,mode=0444",
    "--mount=type=secret,id=apt_method,mode=0555",
    "--mount=type=secret,id=ca_file,mode=0444",
)


def apt_secrets(mirrors: Mapping[str, str], *, authorities: bool) -> dict[str, str]:
    """Return the secrets for these mirrors, URL by URL; none without mirrors.

    `authorities` tells whether there is a secret with certificates to trust.
    """
    if not mirrors:
        return {}
    hosts = [urlsplit(url).hostname or "" for url in mirrors.values() if url.startswith("https:")]
    return {
        "apt_conf": _configuration(hosts if authorities else []),
        "apt_method": _method(mirrors),
    }


def _configuration(hosts: Sequence[str]) -> str:
    """Return apt's configuration; `hosts` are those to trust by the secret's authorities alone."""
    lines = [f'Dir::Bin::Methods::{scheme} "{_METHOD}";' for scheme in ("http", "https")]
    lines += [
        f'Acquire::{scheme}::{host}::CAInfo "{_AUTHORITIES}";'
        for host in sorted(set(hosts))
        for scheme in ("http", "https")
    ]
    return "\n".join(lines) + "\n"


def _method(mirrors: Mapping[str, str]) -> str:
    """Return a transport of apt's: lines of `Name: value` come in and go out."""
    asked = [_folder(url) for url in mirrors]
    spelled: list[str] = []
    for url in mirrors.values():
        spelled.append(_spelled(_folder(url), spelled))
    # Of apt 1.4 and older, where it is a program of its own.
    program = "https" if any(url.startswith("https:") for url in spelled) else "http"
    return (
        "#!/bin/sh\n"
        f"{_sed(dict(zip(asked, spelled, strict=True)))} |\n"
        f"  /usr/lib/apt/methods/{program} |\n"
        f"  {_sed(dict(zip(spelled, asked, strict=True)))}\n"
    )


def _folder(url: str) -> str:
    return url.rstrip("/") + "/"


def _spelled(url: str, taken: Sequence[str]) -> str:
    """Return the URL, its host with a capital where another repository has the same mirror.

    So each answer tells what was asked for: Ubuntu's archive and its security updates are often one
    mirror. To servers both spellings are the same host.
    """
    netloc = urlsplit(url).netloc
    host = netloc.rpartition("@")[2]
    start = url.index(netloc) + len(netloc) - len(host)
    letters = [start + index for index, letter in enumerate(host) if letter.islower()]
    spellings = [url, *(url[:at] + url[at].upper() + url[at + 1 :] for at in letters)]
    return next((each for each in spellings if each not in taken), url)


def _sed(changed: Mapping[str, str]) -> str:
    """Return the command that changes how URLs begin, line by line: either side waits for it."""
    # The longest first: one repository may lie below another.
    pairs = sorted(changed.items(), key=lambda pair: -len(pair[0]))
    return " ".join(["sed -u -E", *(f"-e {shlex.quote(_substitution(*pair))}" for pair in pairs)])


def _substitution(old: str, new: str) -> str:
    """Return sed's command for one beginning; after it has acted no other does."""
    pattern = re.sub(r"([][\\.*^$+?(){}|#])", r"\\\1", old)
    replacement = re.sub(r"([\\&#])", r"\\\1", new)
    return f"s#^((New-)?URI: ){pattern}#\\1{replacement}#;t"
