"""`scoredock-server --score FILE …`: answer requests from files, without a port, and stop."""

import os
import sys
from typing import Any, BinaryIO, List, MutableMapping

from scoredock_server import log
from scoredock_server.app import application
from scoredock_server.service import StartError, start_service

_ROUTE = "/score"


def score_files(names: List[str], environ: MutableMapping[str, str]) -> int:
    """Load the script, run its init(), write its answer to each file; return the exit status.

    Each request is what a client would POST as JSON, and goes the way that it would go in the
    server. Standard output holds the answers alone: what else is written there goes to standard
    error, where the log is. `-` is standard input.
    """
    missing = [name for name in names if name != "-" and not os.path.exists(name)]
    if missing:
        sys.stderr.write("scoredock-server: error: {}: no such file\n".format(missing[0]))
        return 1
    answers = _own_standard_output()
    try:
        service = start_service(environ)
    except StartError as error:
        sys.stderr.write("scoredock-server: the service would not start (see above)\n")
        return error.status
    # Who runs the script here needs no key for it.
    open_to_us = service._replace(settings=service.settings._replace(key_file=""))
    client = application(open_to_us).test_client()
    failed = 0
    for name in names:
        status, body, is_text = _ask(client, _read(name))
        answers.write(body)
        if not body.endswith(b"\n") and (is_text or len(names) > 1):
            answers.write(b"\n")
        answers.flush()
        if not 200 <= status < 300:
            failed += 1
            sys.stderr.write("scoredock-server: {} was answered with {}\n".format(name, status))
    return 1 if failed else 0


def _own_standard_output() -> BinaryIO:
    """Return standard output, and let all else that writes there write to standard error."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as file:
        return file.read()


def _ask(client: Any, body: bytes) -> "tuple[int, bytes, bool]":
    """Return status and body of the answer, and whether that is text."""
    answer = client.post(_ROUTE, data=body, content_type="application/json")
    try:
        said = answer.get_data()
    except Exception:  # of a stream: the server would cut it off
        log.server.exception("the answer broke off")
        return 500, b"", True
    is_text = answer.mimetype.startswith("text/") or "json" in answer.mimetype
    return answer.status_code, said, is_text
