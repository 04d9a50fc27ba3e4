"""Which setting of the network a failed step asks for: by what the tools say, and what is set.

Pure. A hint names one setting where that can be told, and where to write it.
"""

import re
from collections.abc import Sequence

from scoredock.network import NO_NETWORK, Network

_NO_ANSWER = (
    r"Connection refused|timed out|Temporary failure|Name or service not known|dns error|"
    r"unreachable|Could not (?:resolve|connect)|failed to lookup|error trying to connect"
)
_REFUSED = r"[Tt]unnel|response from proxy|\b403 +Forbidden"
# What the engine says of a registry.
_OF_IMAGES = {
    r"x509:": "put the registry's authority at /etc/docker/certs.d/HOST:PORT/ca.crt",
    r"no basic auth credentials|authorization failed|unauthorized|\b401\b": "docker login HOST, "
    "the host of registry_mirrors or of the image itself, or mend the image's name",
}
_NO_IMAGE = (
    "load the image (docker load), log in to its registry (docker login), set registry_mirrors in "
    "the network settings, or name another with --base-image or BASE_IMAGE (conda packages: "
    "--build-image as well)"
)
# What pip, uv, py-rattler and apt say; the first that is found holds.
_HINTS = {
    r"\b401\b|authentication\s+credentials": "python_index, conda_mirrors, apt_mirrors: put the "
    "login of the host that said 401 into ~/.netrc or the keyring",
    r"certificate verif|verification failed|UnknownIssuer|invalid peer certificate": "trust the "
    "authority of the server, or of the proxy: ca in the network settings, or --ca-file",
    r"\b407\b": "give the proxy its login: http://user:password@host:port in https_proxy",
}
# What each tool says where nobody lets it through, and the setting that says whom it asks.
_ASKED = {
    r"conda channel .* does not answer": "conda_mirrors",
    r"E: Failed to fetch|W: Failed to fetch|^Err:\d": "apt_mirrors",
    rf"{_REFUSED}|{_NO_ANSWER}": "python_index",
}


def image_hint(log: Sequence[str]) -> str:
    """Return what to do where an image cannot be had, by what the engine said."""
    text = "\n".join(log)
    return next(
        (hint for pattern, hint in _OF_IMAGES.items() if re.search(pattern, text)), _NO_IMAGE
    )


def network_hint(log: Sequence[str], given: Network = NO_NETWORK) -> str:
    """Return what to do because of a step's last lines; empty where no setting comes up."""
    text = "\n".join(log)
    for pattern, hint in _HINTS.items():
        if re.search(pattern, text):
            return hint
    for pattern, setting in _ASKED.items():
        if re.search(pattern, text, re.MULTILINE):
            return _whom_to_ask(setting, given, refused=not re.search(_NO_ANSWER, text))
    return ""


def _whom_to_ask(setting: str, given: Network, *, refused: bool) -> str:
    value = getattr(given, setting)
    urls = list(value.values()) if isinstance(value, dict) else [value] if value else []
    behind_proxy = given.https_proxy or given.http_proxy
    if not urls and behind_proxy:
        said = "the proxy refuses: " if refused else ""
        return f"{said}set {setting} in the network settings: see docs/network.md"
    if not urls:
        return f"set {setting} or https_proxy in the network settings: see docs/network.md"
    proxies = list(dict.fromkeys(f"{url.partition(':')[0]}_proxy" for url in urls))
    missing = [name for name in proxies if not getattr(given, name)]
    if missing:
        return f"{setting} is set, and not reached: mend it, or set {' and '.join(missing)}"
    what = f"{setting}, or what {' and '.join(proxies)} lets through"
    return f"{'the proxy refuses: ' if refused else ''}mend {what}: see docs/network.md"
