"""Does what the network settings name answer: asked once each, from this machine, with short waits.

No finding shows a login. What a build's own steps reach may differ: they run in the engine.
"""

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from scoredock.network import Network, without_login
from scoredock.reach import authorities_file

_SECONDS = 5
_CERTIFICATES = Path("/etc/docker/certs.d")
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where nothing need be done."""

    name: str
    found: str
    ok: bool
    remedy: str = ""


def check_network(network: Network, ca_file: Path | None) -> Iterator[Finding]:
    """Yield a finding for each place that the settings name, and for the authorities."""
    with authorities_file(ca_file, network.ca) as authorities:
        if authorities:
            yield _check_authorities(authorities)
        for setting in ("http_proxy", "https_proxy"):
            if url := getattr(network, setting):
                yield _check_proxy(setting, url)
        try:
            opener = _opener(network, authorities)
        except ssl.SSLError:
            return  # the authorities are what has to be mended first
        for setting, url, path in _places(network):
            yield _check_place(opener, setting, url, path)
        for registry, mirror in network.registry_mirrors.items():
            yield _check_registry(registry, mirror)


def _places(network: Network) -> Iterator[tuple[str, str, str]]:
    """Yield setting, URL, and what each server of that kind has below it."""
    for url in network.python_indexes:
        yield "python index", url, "/"
    for url in network.conda_mirrors.values():
        yield "conda mirror", url, "/noarch/repodata.json"
    for url in network.apt_mirrors.values():
        yield "apt mirror", url, "/"


def _check_authorities(file: Path) -> Finding:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    remedy = "name a PEM file of the company's own authorities: ca, or --ca-file"
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:
        found = "ca: not a PEM file of certificates"
        return Finding(name="authorities", found=found, ok=False, remedy=remedy)
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]
    expired = [end for end in ends if end < time.time()]
    if not ends or (expired and len(ends) == 1):
        found = "expired" if expired else "no certificate of an authority"
        return Finding(name="authorities", found=f"ca: {found}", ok=False, remedy=remedy)
    # In a bundle of all public ones, some always are.
    days = int((min(end for end in ends if end not in expired) - time.time()) / _DAY)
    found = f"{len(ends)} certificates, {len(expired)} expired, the next in {days} days"
    return Finding(name="authorities", found=found, ok=True)


def _check_proxy(setting: str, url: str) -> Finding:
    parts = urlsplit(url)
    name = setting.replace("_", " ")
    where = without_login(url)
    try:
        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        socket.create_connection(address, timeout=_SECONDS).close()
    except (OSError, ValueError) as error:
        remedy = f"mend {setting} in the network settings"
        return Finding(name=name, found=f"{where}: {_reason(error)}", ok=False, remedy=remedy)
    return Finding(name=name, found=f"{where} takes connections", ok=True)


def _opener(network: Network, authorities: Path | None) -> OpenerDirector:
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(authorities)
    proxies = {"http": network.http_proxy, "https": network.https_proxy}
    given = {scheme: url for scheme, url in proxies.items() if url}
    return build_opener(_Proxies(given, network.no_proxy), HTTPSHandler(context=context))


class _Proxies(ProxyHandler):
    """The settings' own proxies, not those of this machine, but for the hosts of no_proxy."""

    def __init__(self, proxies: dict[str, str], no_proxy: str) -> None:
        super().__init__(proxies)
        self._direct = [host.strip().lstrip(".") for host in no_proxy.split(",") if host.strip()]

    def proxy_open(self, req: Request, proxy: str, type: str) -> object:  # noqa: A002 - as named there
        host = urlsplit(req.full_url).hostname or ""
        if any(each == "*" or host == each or host.endswith(f".{each}") for each in self._direct):
            return None
        return super().proxy_open(req, proxy, type)


def _check_place(opener: OpenerDirector, name: str, url: str, path: str) -> Finding:
    where = without_login(url)
    request = Request(where.rstrip("/") + path, headers=_authorization(url))  # noqa: S310 - http, https
    setting = name.replace(" ", "_") + ("s" if "mirror" in name else "")
    try:
        opener.open(request, timeout=_SECONDS).close()
    except HTTPError as error:
        return _judge_status(name, setting, where, error.code)
    except (OSError, ValueError) as error:
        remedy = _remedy(error, setting)
        return Finding(name=name, found=f"{where}: {_reason(error)}", ok=False, remedy=remedy)
    return Finding(name=name, found=f"{where} answers", ok=True)


def _judge_status(name: str, setting: str, where: str, status: int) -> Finding:
    if status == 404 and "conda" not in name:
        return Finding(name=name, found=f"{where} answers", ok=True)  # without a list of all
    remedy = {
        401: "put the login of its host into ~/.netrc or the keyring",
        403: "ask for access to it; a proxy may be what refuses",
        407: "give the proxy its login: http://user:password@host:port",
    }.get(status, f"mend {setting} in the network settings")
    return Finding(name=name, found=f"{where} says {status}", ok=False, remedy=remedy)


def _remedy(error: Exception, setting: str) -> str:
    if isinstance(getattr(error, "reason", error), ssl.SSLError):
        return "trust the authority of the server, or of the proxy: ca, or --ca-file"
    return f"mend {setting}, or the proxies, in the network settings"


def _check_registry(registry: str, mirror: str) -> Finding:
    """Ask as the engine does: without the build's proxy, with the authority in its own folder."""
    host = mirror.partition("/")[0]
    name = "registry mirror"
    context = ssl.create_default_context()
    own = _CERTIFICATES / host / "ca.crt"
    try:
        if own.is_file():
            context.load_verify_locations(own)
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        opener.open(f"https://{host}/v2/", timeout=_SECONDS).close()
    except HTTPError as error:
        ok = error.code == 401  # to be logged in to
        remedy = "" if ok else "mend registry_mirrors in the network settings"
        found = f"{host}, for {registry}, {'answers' if ok else f'says {error.code}'}"
        return Finding(name=name, found=found, ok=ok, remedy=remedy)
    except (OSError, ValueError) as error:
        trust = isinstance(getattr(error, "reason", error), ssl.SSLError)
        remedy = f"put its authority at {own}" if trust else "mend registry_mirrors"
        found = f"{host}, for {registry}: {_reason(error)}"
        return Finding(name=name, found=found, ok=False, remedy=remedy)
    return Finding(name=name, found=f"{host}, for {registry}, answers", ok=True)


def _authorization(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if not parts.username:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


def _reason(error: Exception) -> str:
    """Return why, in one line; what urllib and ssl say holds no login."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {reason.verify_message}"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(error).__name__
