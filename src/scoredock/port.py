"""Is the port free, and if not, who has it?"""

import errno
import socket

import psutil

from scoredock.errors import ScoredockError


def check_port(bind: str, port: int) -> None:
    """Raise ScoredockError, naming the process, where nothing new can listen on the port."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((bind, port))
    except PermissionError:
        return  # below 1024: the engine may, even where this user may not
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ScoredockError(
                f"cannot listen on {bind}: {error.strerror}",
                hint="set BIND to an address of this machine",
            ) from error
        raise ScoredockError(
            f"port {port} is in use by {_owner(port)}",
            hint=f"stop that, or choose another port: PORT={port + 1} or --port {port + 1}",
        ) from error


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bracketed(host: str) -> str:
    """Write an address as URLs and sockets' names have it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def reachable_host(bind: str) -> str:
    """Return where this machine reaches what listens on `bind`, as a URL has it."""
    return bracketed({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind))  # noqa: S104


def local_name(bind: str) -> str:
    """Return what URLs for this machine's people call it: localhost, where that is meant."""
    host = reachable_host(bind)
    return "localhost" if host == "127.0.0.1" else host


def _owner(port: int) -> str:
    try:
        listening = [
            connection.pid
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN
            and connection.laddr
            and connection.laddr.port == port
        ]
        pid = next((pid for pid in listening if pid), None)
        if pid is None:
            return "a process of another user"
        # Not its arguments, which may hold a secret.
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return "a process of another user"
