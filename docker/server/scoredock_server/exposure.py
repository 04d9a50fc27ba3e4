"""Say once, at the start, when a service that others can reach lets everybody in."""

import ipaddress
from typing import List

from scoredock_server.settings import Settings


def warning(settings: Settings) -> str:
    """Return what to warn of, or nothing.

    Inside a container the server listens everywhere, and cannot know where the container's port is
    published; SCOREDOCK_PUBLISHED_ON tells it.
    """
    at = settings.published_on or _host(settings)
    if _is_local(at):
        return ""
    lacking: List[str] = []
    if not settings.key_file:
        lacking.append("whoever reaches it may ask it (SCOREDOCK_KEY_FILE sets keys)")
    if not settings.tls_certificate_file:
        lacking.append(
            "what is sent can be read on the way (SCOREDOCK_TLS_CERTIFICATE_FILE sets TLS)"
        )
    if not lacking:
        return ""
    known = "" if settings.published_on else (
        "; where only this machine reaches it, SCOREDOCK_PUBLISHED_ON=127.0.0.1 says so"
    )  # fmt: skip
    return "The service is open to the network at {}: {}{}".format(at, " and ".join(lacking), known)


def _host(settings: Settings) -> str:
    """Return where the server listens; a port that is handed over is the holder's affair."""
    if settings.bind.startswith(("unix:", "fd:")) and not settings.separate_health_endpoint:
        return ""
    return settings.bind.rpartition(":")[0].strip("[]")


def _is_local(host: str) -> bool:
    if host in ("", "localhost", "unix", "fd"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
