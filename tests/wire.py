"""Requests and answers as bytes on a connection, and the scripts that such tests use."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from serving import Server

Answer = tuple[int, dict[str, str], bytes]

SLOW = """
import time

def init():
    pass

def run(raw_data):
    if raw_data.startswith("spin"):
        until = time.monotonic() + float(raw_data[4:])
        while time.monotonic() < until:
            pass
    elif raw_data.startswith("sleep"):
        time.sleep(float(raw_data[5:]))
    return raw_data
"""
# Answers by Flask, as it takes the request itself.
RAW = """
from flask import Response
from azureml.contrib.services.aml_request import rawhttp

def init():
    pass

@rawhttp
def run(request):
    if request.args.get("stream"):
        return Response(b"x" * 100000 for _ in range(int(request.args["stream"])))
    return Response(request.get_data())
"""


def post(body: str, *headers: str, version: str = "1.1", path: str = "/score") -> bytes:
    """Return the bytes of a request."""
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """Connect to a server."""
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=20) as connection:
        yield connection


def read_answer(stream: BinaryIO) -> Answer:
    """Return status, headers and body of the next answer."""
    status = stream.readline()
    if not status:
        raise EOFError
    headers = {}
    for line in iter(stream.readline, b"\r\n"):
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        pieces = []
        while size := int(stream.readline(), 16):
            pieces.append(stream.read(size))
            stream.readline()
        stream.readline()
        body = b"".join(pieces)
    else:
        body = stream.read(int(headers.get("content-length", 0)))
    return int(status.split()[1]), headers, body


def echoed(answer: Answer, text: str) -> bool:
    """Tell whether run() has returned the text that it got."""
    status, _, body = answer
    return status == 200 and body.decode() in (text, json.dumps(text))
