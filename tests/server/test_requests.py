import json
import uuid

import pytest
import requests

from interpreter import require
from serving import ECHO, running, send, wait_for_log

JSON = {"Content-Type": "application/json"}
SCHEMA = """
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema
import numpy, pandas

def init():
    pass

@input_schema("count", StandardPythonParameterType(1))
@input_schema("names", StandardPythonParameterType(["a"]))
@input_schema("matrix", NumpyParameterType(numpy.zeros((1, 2))))
@input_schema("table", PandasParameterType(pandas.DataFrame({"a": [1]})))
def run(names=[], count=1, matrix=[[0.0, 0.0]], table=[{"a": 1}]):
    if names == ["type"]:
        return [] + count
    if names == ["schema"]:
        return NumpyParameterType(numpy.zeros((1, 2))).deserialize_input("no list")
    return [names, count, matrix.shape, list(table)]
"""
MODES = pytest.mark.parametrize("mode", ["reference", "improved"])


def fixture_of(script, mode):
    @pytest.fixture(scope="module")
    def started(tmp_path_factory):
        folder = tmp_path_factory.mktemp("server")
        with running(folder, script, SCOREDOCK_COMPATIBILITY=mode) as server:
            yield server.wait_until_ready()

    return started


reference = fixture_of(ECHO, "reference")
improved = fixture_of(ECHO, "improved")
reference_schema = fixture_of(SCHEMA, "reference")
improved_schema = fixture_of(SCHEMA, "improved")


def post(server, value):
    return server.score(json.dumps(value), headers=JSON)


def test_run_gets_the_body_as_it_was_sent(reference):
    answer = reference.score("é \r\n\t{", headers={"Content-Type": "text/csv"})

    assert (answer.status_code, answer.json()) == (200, "é \r\n\t{")
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
def test_run_gets_the_body_of_a_form_too(reference, kind):
    answer = reference.score("a=1&b=%20", headers={"Content-Type": kind})

    assert answer.json() == "a=1&b=%20"


def test_a_chunked_body_arrives_whole(reference):
    answer = reference.score(iter([b"one ", b"two"]))

    assert answer.json() == "one two"


@pytest.mark.parametrize("value", [b"a\rX-Injected: 1", b"a\nX-Injected: 1", b"a\x01", b"a\0"])
@pytest.mark.parametrize("name", [b"x-request-id", b"Origin", b"TraceId"])
def test_a_header_with_a_control_character_is_a_400_before_run(reference, name, value):
    request = b"GET /score HTTP/1.1\r\nHost: x\r\n" + name + b": " + value + b"\r\n\r\n"

    status, body = send(reference, request)

    assert status == 400
    assert b"X-Injected: 1\r\n" not in body
    assert "fault of the server" not in reference.log()


def test_a_query_value_nested_too_deeply_for_json_stays_text(reference):
    value = "[" * 3000

    status, body = send(reference, f"GET /score?a={value} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert (status, json.loads(json.loads(body))) == (200, {"a": value})


def test_a_query_that_is_not_utf_8_is_read_as_it_stands(reference):
    request = b"GET /%s?a=\xffb HTTP/1.1\r\nHost: x\r\n\r\n"

    scored, result = send(reference, request % b"score")
    shown, document = send(reference, request % b"swagger.json")

    if b"Invalid HTTP request line" in result:
        assert scored == shown == 400  # a new gunicorn does not let it through
    else:
        assert (scored, json.loads(json.loads(result))) == (200, {"a": "%FFb"})
        assert (shown, json.loads(document)["swagger"]) == (200, "2.0")


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"Content-Length: 10\r\n\r\nabc", "The request body ended after 3 of 10 bytes."),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", "The request body could not be read"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "The request body could not be read"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r", "The request body could not be read"),
        (b"Content-Length: 2\r\n\r\n\xff\xff", "Input cannot be decoded as UTF-8"),
    ],
    ids=["short", "broken-chunk", "short-chunk", "half-chunk-end", "not-utf-8"],
)
@pytest.mark.parametrize("script", ["", "_schema"])
def test_a_body_that_cannot_be_read_is_a_400_that_says_why(script, rest, message, request):
    if script:
        require("inference_schema", "numpy", "pandas")
        message = message.replace("Input cannot", "POST body could not").replace(
            "as UTF-8", "as JSON"
        )
    server = request.getfixturevalue("reference" + script)

    status, body = send(
        server, b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + rest
    )

    assert (status, json.loads(body)["message"][: len(message)]) == (400, message)


@MODES
def test_an_empty_request_id_is_replaced_by_a_fresh_one(mode, request):
    server = request.getfixturevalue(mode)

    answer = server.score("", headers={"x-request-id": ""})

    assert uuid.UUID(answer.headers["x-request-id"])
    assert answer.headers["x-ms-request-id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("POST", "/", 405, {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/score", 405, {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/swagger.json", 405, {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/nowhere", 404, None),
    ],
)
def test_routing_errors_have_ids_version_and_allow_where_improved(
    improved, method, path, status, allowed
):
    answer = requests.request(
        method, improved.url + path, headers={"x-request-id": "mine"}, timeout=20
    )

    assert (answer.status_code, list(answer.json())) == (status, ["message"])
    assert answer.headers["x-request-id"] == answer.headers["x-ms-request-id"] == "mine"
    assert answer.headers["x-ms-server-version"].startswith("scoredock-server/")
    allow = answer.headers.get("Allow")
    assert (allow and set(allow.split(", "))) == allowed


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/nowhere")])
def test_routing_errors_have_no_header_of_ours_in_reference_mode(reference, method, path):
    answer = requests.request(
        method, reference.url + path, headers={"x-request-id": "mine"}, timeout=20
    )

    assert not [name for name in answer.headers if name.lower().startswith(("x-ms-ser", "x-re"))]
    assert "Allow" not in answer.headers


UNFIT = pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "three"),
        ("count", 1.5),
        ("count", None),
        ("names", {"a": 1}),
        ("matrix", [[1.0]]),
        ("matrix", "no list"),
        ("matrix", [["x", "y"]]),
        ("table", [{"a": "text"}]),
        ("table", 7),
    ],
)


@UNFIT
@pytest.mark.needs("inference_schema", "numpy", "pandas")
def test_a_value_that_does_not_fit_the_schema_is_a_400_with_its_name_where_improved(
    improved_schema, name, value
):
    answer = post(improved_schema, {name: value})

    assert answer.status_code == 400, answer.text
    message = answer.json()["message"]
    assert message.startswith(f"The value of the '{name}' parameter does not fit its schema: ")
    assert "\n" not in message
    assert answer.headers["x-ms-run-function-failed"] == "False"


@UNFIT
@pytest.mark.needs("inference_schema", "numpy", "pandas")
def test_a_value_that_does_not_fit_the_schema_is_a_500_in_reference_mode(
    reference_schema, name, value
):
    answer = post(reference_schema, {name: value})

    assert answer.status_code == 500
    assert "scoring script" in answer.json()["message"]
    assert answer.headers["x-ms-run-function-failed"] == "True"


@pytest.mark.parametrize("names", ["type", "schema"])
@pytest.mark.needs("inference_schema", "numpy", "pandas")
def test_an_error_of_the_script_itself_stays_a_500_where_improved(improved_schema, names):
    answer = post(improved_schema, {"names": [names]})

    assert answer.status_code == 500
    assert "scoring script" in answer.json()["message"]


@MODES
@pytest.mark.needs("inference_schema", "numpy", "pandas")
def test_values_that_fit_are_converted(mode, request):
    answer = post(request.getfixturevalue(f"{mode}_schema"), {"matrix": [[1, 2], [3, 4]]})

    assert answer.json() == [[], 1, [2, 2], ["a"]]


@MODES
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"names": ' + b"[" * 100000 + b"]" * 100000 + b"}", "nested too deeply"),
        (b'{"names": ["\xff"]}', "could not be decoded as JSON"),
        (b'{"names": [', "could not be decoded as JSON"),
    ],
    ids=["deep", "not-utf-8", "cut-off"],
)
@pytest.mark.needs("inference_schema", "numpy", "pandas")
def test_json_that_cannot_be_read_under_a_schema_is_a_400(mode, body, message, request):
    server = request.getfixturevalue(f"{mode}_schema")

    answer = server.score(body, headers=JSON)

    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_a_raw_request_can_be_read_in_another_thread(serve):
    server = serve(
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "import concurrent.futures\n"
        "def init(): pass\n"
        "@rawhttp\n"
        "def run(request):\n"
        "    read = lambda: [request.method, request.args['q'], request.get_data(as_text=True)]\n"
        "    with concurrent.futures.ThreadPoolExecutor() as threads:\n"
        "        return threads.submit(read).result()\n"
    ).wait_until_ready()

    answer = requests.post(f"{server.url}/score?q=1", data="body", timeout=20)

    assert answer.json() == ["POST", "1", "body"]


ASYNC = """
import asyncio
def init(): pass
async def run(raw_data):
    if raw_data == "fail":
        raise ValueError("from within")
    await asyncio.sleep(60 if raw_data == "sleep" else 0.01)
    return [raw_data]
"""


def test_async_run_is_awaited_with_its_errors_and_the_time_limit(serve):
    server = serve(ASYNC, SCORING_TIMEOUT_MS="500").wait_until_ready()

    answers = [server.score(body) for body in ("one", "fail", "sleep", "two")]

    assert [answer.status_code for answer in answers] == [200, 500, 500, 200]
    assert [answers[0].json(), answers[3].json()] == [["one"], ["two"]]
    assert answers[2].json()["message"] == "Scoring timeout after 500 ms"
    wait_for_log(server, "ValueError: from within")


@pytest.mark.parametrize("error", ["SystemExit(0)", "KeyboardInterrupt", "GeneratorExit"])
def test_an_error_that_would_end_the_process_is_a_json_500_and_the_worker_lives(serve, error):
    server = serve(
        "import os\ndef init(): pass\n"
        "def run(raw_data):\n"
        f"    if raw_data: raise {error}\n"
        "    return os.getpid()\n"
    ).wait_until_ready()
    before = server.score("").json()

    answer = server.score("x")

    assert (answer.status_code, answer.headers["x-ms-run-function-failed"]) == (500, "True")
    assert "scoring script" in answer.json()["message"]
    assert server.score("").json() == before
    wait_for_log(server, f"\n {{4}}if raw_data: raise .*\n(?: .*\n)*{error.partition('(')[0]}")
