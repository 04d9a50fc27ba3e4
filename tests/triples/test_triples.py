"""Real models and requests are answered as the reference server has answered them."""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

HERE = Path(__file__).parent
TRIPLES = sorted(path.parent.name for path in HERE.glob("*/expected.json"))
# What was sent under the names that expected.json gives; every other one is without a body.
BODIES = {"probe: malformed JSON": '{"data": [1, 2', "probe: empty JSON object": "{}"}
TRANSPORT = {"server", "date", "connection", "content-length"}
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VARIES = "<varies>"
ABSENT = "<absent>"


@pytest.mark.parametrize("triple", TRIPLES)
def test_every_recorded_request_is_answered_as_by_the_reference_server(serve, triple):
    url = serve(triple, SCOREDOCK_COMPATIBILITY="reference")

    different = [line for each in read_recorded(triple) for line in compare(url, triple, each)]

    assert not different, "\n".join(different)


@pytest.mark.parametrize("runtime", ["process"], indirect=True)
@pytest.mark.parametrize("triple", TRIPLES)
def test_what_the_reference_server_lacks_changes_no_prediction(serve, triple):
    url = serve(triple)
    [recorded] = [each for each in read_recorded(triple) if each["request"] == "request.json"]

    different = list(compare(url, triple, recorded))

    assert not different, "\n".join(different)


def read_recorded(triple: str) -> list[dict[str, Any]]:
    """Return the requests of expected.json, each with its answer."""
    return json.loads((HERE / triple / "expected.json").read_text("utf-8"))["responses"]


def compare(url: str, triple: str, recorded: dict[str, Any]) -> Iterator[str]:
    """Send the request and tell each difference from the recorded answer."""
    got = send(url, triple, recorded)
    varying = {name for name, value in recorded["headers"].items() if value == VARIES}
    yield from differences(
        comparable(recorded["status"], recorded["headers"], recorded["body_text"], varying),
        comparable(got.status_code, got.headers, got.text, varying),
        recorded["request"],
    )


def send(url: str, triple: str, recorded: dict[str, Any]) -> requests.Response:
    """Send the request as it was sent to the reference server."""
    name, headers = recorded["request"], {"Content-Type": "application/json"}
    body = BODIES.get(name)
    if name in ("request.json", "probe: text/plain content type"):
        body = (HERE / triple / "request.json").read_text("utf-8")
    if name == "request.json":
        headers["x-ms-client-request-id"] = recorded["headers"]["x-ms-client-request-id"]
    elif "text/plain" in name:
        headers["Content-Type"] = "text/plain"
    return requests.request(
        recorded["method"], url + recorded["path"], data=body, headers=headers if body else {},
        timeout=60,
    )  # fmt: skip


def comparable(
    status: int, headers: Mapping[str, str], text: str, varying: Collection[str]
) -> dict[str, Any]:
    """Return an answer without what may differ: the headers `varying` may have any value."""
    lowered = {name.lower(): UUID.sub("<uuid>", value) for name, value in headers.items()}
    compared = {
        name: VARIES if name in varying or name == "x-ms-server-version" else value
        for name, value in lowered.items()
        if name not in TRANSPORT
    }
    return {"status": status, "headers": compared, "body": read_body(text)}


def read_body(text: str) -> Any:
    """Return what `text` encodes where it is spaced as the reference does it, else the text."""
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return without_varying(body) if json.dumps(body) == text else text


def without_varying(body: Any) -> Any:
    """Return the body without the time that it took, and swagger.json without its prose."""
    if isinstance(body, list):
        return [without_varying(item) for item in body]
    if not isinstance(body, dict):
        return body
    kept = {name: without_varying(value) for name, value in body.items() if name != "description"}
    return kept | ({"time_in_sec": VARIES} if "time_in_sec" in body else {})


def differences(expected: Any, got: Any, where: str) -> Iterator[str]:
    """Tell each place where they differ; floats may do so in their last digits."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted(expected.keys() | got.keys()):
            pair = expected.get(name, ABSENT), got.get(name, ABSENT)
            yield from differences(*pair, f"{where}.{name}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, pair in enumerate(zip(expected, got, strict=True)):
            yield from differences(*pair, f"{where}[{index}]")
    elif isinstance(expected, float) and isinstance(got, float):
        if not math.isclose(expected, got, rel_tol=1e-9):
            yield f"{where}: expected {expected!r}, got {got!r}"
    elif type(expected) is not type(got) or expected != got:
        yield f"{where}: expected {expected!r}, got {got!r}"
