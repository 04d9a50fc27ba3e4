"""TLS: the certificate that the server shows, checked before it listens."""

import os
import ssl
from typing import Any, Callable, Dict, List, Optional, Tuple

from gunicorn import sock as gunicorn_sock

from scoredock_server import log
from scoredock_server.setting_kinds import SettingError, unreadable
from scoredock_server.settings import Settings


def tls_settings(settings: Settings) -> Dict[str, Any]:
    """Return gunicorn's settings for TLS; none without a certificate. Raises SettingError.

    gunicorn's workers read the files for each connection, and ours where they have changed, so that
    a renewed certificate counts at once.
    """
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if not certificate:
        if key:
            raise SettingError(
                "SCOREDOCK_TLS_KEY_FILE={}: expected SCOREDOCK_TLS_CERTIFICATE_FILE with it".format(
                    key
                )
            )
        return {}
    certificate = os.path.join(settings.app_root, certificate)
    key = os.path.join(settings.app_root, key) if key else certificate
    _check(certificate, key)
    return {"certfile": certificate, "keyfile": key, "ssl_context": _context}


def _check(certificate: str, key: str) -> None:
    names = (("SCOREDOCK_TLS_CERTIFICATE_FILE", certificate), ("SCOREDOCK_TLS_KEY_FILE", key))
    for name, path in names:
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise unreadable(name, path, error) from None
    try:
        # Without the empty password OpenSSL would ask for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS).load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise SettingError(
            "SCOREDOCK_TLS_CERTIFICATE_FILE={}: expected a certificate in PEM, the authorities in"
            " between below it, and in {} its key, without a password: {}".format(
                certificate, "the same file" if key == certificate else key, error
            )
        ) from None


def _context(_config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return gunicorn's context without the versions of TLS that nobody should speak any more."""
    context = default()
    if hasattr(ssl, "TLSVersion"):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Sockets:
    """Makes TLS sockets of a server's connections: the handshake is left to whoever reads them."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._context: Optional[ssl.SSLContext] = None
        self._seen: List[Tuple[int, ...]] = []
        self._complained_of: List[Tuple[int, ...]] = []

    def wrap(self, client: Any) -> Any:
        """Return the TLS socket of a connection. Raises OSError."""
        config = self._config
        if not hasattr(gunicorn_sock, "ssl_context"):  # gunicorn 20
            options = dict(config.ssl_options, do_handshake_on_connect=False)
            wrap: Any = getattr(ssl, "wrap_socket")  # noqa: B009 - not in newer Pythons
            return wrap(client, server_side=True, **options)
        return self._current().wrap_socket(
            client,
            server_side=True,
            suppress_ragged_eofs=config.suppress_ragged_eofs,
            do_handshake_on_connect=False,
        )

    def _current(self) -> ssl.SSLContext:
        """Return the context of the files as they are; while they do not fit, of those before."""
        files = [self._config.certfile, self._config.keyfile, self._config.ca_certs]
        state = [_state(file) for file in files if file]
        if self._context is not None and state == self._seen:
            return self._context
        try:
            self._context = gunicorn_sock.ssl_context(self._config)
            self._seen = state
        except (OSError, ValueError) as error:
            if self._context is None:
                raise
            if state != self._complained_of:
                self._complained_of = state
                log.server.error("The certificate has changed and cannot be used: %s", error)
        return self._context


def _state(path: str) -> Tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
