"""Secrets that stand in URLs: found, so that no file gets them, and masked where text is shown."""

import re
from typing import Final

MASK: Final = "***"

# Up to the last @ before the path: a password may hold one that nobody has written as %40.
_USER: Final = re.compile(r"(?<=://)[^/?#\s]+(?=@)")
_SIGNATURE: Final = re.compile(
    r"(?P<name>[?&](?:sig|signature|password|secret|(?:api[-_]?)?key|[\w-]*token|x-\w+-signature)=)"
    r"(?P<value>[^&#\s\"']+)",
    re.IGNORECASE,
)
# conda's tokens are long and hold digits; /t/tqdm/ is a folder of a package index.
_CONDA_TOKEN: Final = re.compile(r"(?<=/t/)(?=[^/\s]*\d)[\w.-]{8,}(?=/|$)")
# git@ of ssh is no secret, and neither is the organisation of dev.azure.com.
_TOKEN_ALONE: Final = re.compile(r"(?=[^\d]*\d)[\w-]{20,}")
VARIABLE: Final = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)\}")


def masked(text: str) -> str:
    """Return text with stars for users, passwords, tokens and signatures in its URLs."""
    text = _USER.sub(lambda user: user[0] if user[0] == "git" else MASK, text)
    return _CONDA_TOKEN.sub(MASK, _SIGNATURE.sub(rf"\g<name>{MASK}", text))


def mask_all(value: object) -> object:
    """Return data for JSON with every text in it masked."""
    if isinstance(value, dict):
        return {key: mask_all(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [mask_all(each) for each in value]
    return masked(value) if isinstance(value, str) else value


def find_login(text: str) -> str:
    """Return what opens a server to whoever reads the text: `password` or `token`; else nothing.

    A variable in its place, `${TOKEN}`, is none.
    """
    for user in _USER.findall(text):
        name, _, password = VARIABLE.sub("", user).partition(":")
        if password:
            return "password"
        if _TOKEN_ALONE.fullmatch(name):
            return "token"
    return "token" if _CONDA_TOKEN.search(text) else ""


def is_signed(text: str) -> bool:
    """Tell whether a URL in the text is signed: it is a key to what it names, until it expires."""
    return _SIGNATURE.search(text) is not None
