"""TLS: the certificate that the server shows, checked before it listens."""

import os
import ssl
from typing import Any, Callable, Dict

from scoredock_server.setting_kinds import SettingError, unreadable
from scoredock_server.settings import Settings


def tls_settings(settings: Settings) -> Dict[str, Any]:
    """Return gunicorn's settings for TLS; none without a certificate. Raises SettingError.

    gunicorn reads the files for each connection, so that a renewed certificate counts at once.
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
