"""Lines as `docker buildx build --progress=rawjson` writes them to standard error."""

import base64
import json
import zlib

BASE = "[base 1/1] FROM docker.io/library/python:3.11-slim"
INSTALL = "[build 4/4] RUN python3 /build/install/create_environment.py"
FAILURE = 'process "/bin/sh -c python3 /build/install" did not complete successfully: exit code: 1'


def digest(name):
    return f"sha256:{zlib.crc32(name.encode()):064x}"


def announced(name, **state):
    """Tell of a step; `state` is what BuildKit knows of it by then."""
    return json.dumps({"vertexes": [{"digest": digest(name), "name": name, **state}]})


def started(name):
    return announced(name, started="2025-11-23T16:00:00.000000001Z")


def completed(name, **state):
    times = {"started": "2025-11-23T16:00:00Z", "completed": "2025-11-23T16:00:01Z"}
    return announced(name, **times, **state)


def logged(name, text, encoding="utf-8"):
    data = base64.b64encode(text.encode(encoding)).decode()
    times = {"stream": 1, "timestamp": "2025-11-23T16:00:00Z"}
    return json.dumps({"logs": [{"vertex": digest(name), "data": data, **times}]})
