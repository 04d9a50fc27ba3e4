"""Exit 0 when the server answers "/" with 200. Standard library only: the image has no curl."""

import http.client
import os
import sys

port = int(os.environ.get("SCOREDOCK_BIND", ":5001").rpartition(":")[2])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
try:
    connection.request("GET", "/")
    status = connection.getresponse().status
except OSError as error:
    sys.exit("no answer on port {}: {}".format(port, error))
sys.exit(0 if status == 200 else "GET / answered {}".format(status))
