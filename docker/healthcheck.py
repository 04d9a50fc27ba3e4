"""Exit 0 when the server answers /livez, or the path that is the argument, with 200.

No worker answers before its init() has run, so the first such answer is the end of the start. Later
only /readyz tells that too many requests wait: a container that is busy is not ill. Standard
library only: the image has no curl.
"""

import http.client
import os
import socket
import ssl
import sys

TIMEOUT = 3


def connection(bind: str, secure: bool) -> http.client.HTTPConnection:
    """Return a connection to where the server listens."""
    if bind.startswith("unix:"):
        found = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
        found.sock = socket.socket(socket.AF_UNIX)
        found.sock.settimeout(TIMEOUT)
        found.sock.connect(bind[len("unix:") :])
        return found
    host, _, port = bind.rpartition(":")
    if host in ("", "0.0.0.0"):  # noqa: S104 - the server's, which this only reads
        host = "127.0.0.1"
    elif host == "[::]":
        host = "[::1]"
    host = host.strip("[]")
    if not secure:
        return http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
    # The certificate is for another name than the container calls itself, and nothing is told.
    context = ssl._create_unverified_context()  # noqa: S323
    return http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT, context=context)


def main() -> None:
    """Ask, and exit with a line that says what came, if it is not a 200."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/livez"
    bind = os.environ.get("SCOREDOCK_BIND") or ":5001"
    try:
        asked = connection(bind, bool(os.environ.get("SCOREDOCK_TLS_CERTIFICATE_FILE")))
        asked.request("GET", path)
        answer = asked.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        sys.exit("no answer at {}: {!r}".format(bind, error))
    sys.exit(0 if answer.status == 200 else "GET {}: {} {}".format(path, answer.status, body))


if __name__ == "__main__":
    main()
