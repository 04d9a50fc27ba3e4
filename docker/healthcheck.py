"""Exit 0 when the server answers "/" with 200. Standard library only: the image has no curl."""

import http.client
import os
import ssl
import sys

host, _, number = os.environ.get("SCOREDOCK_BIND", ":5001").rpartition(":")
port = int(number)
if host in ("", "0.0.0.0"):  # noqa: S104 - the server's, which this only reads
    host = "127.0.0.1"
elif host == "[::]":
    host = "[::1]"
if os.environ.get("SCOREDOCK_TLS_CERTIFICATE_FILE"):
    # The certificate is for another name than the container calls itself, and nothing is told.
    context = ssl._create_unverified_context()  # noqa: S323
    connection = http.client.HTTPSConnection(host.strip("[]"), port, timeout=3, context=context)
else:
    connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=3)
try:
    connection.request("GET", "/")
    status = connection.getresponse().status
except OSError as error:
    sys.exit("no answer on port {}: {}".format(port, error))
sys.exit(0 if status == 200 else "GET / answered {}".format(status))
