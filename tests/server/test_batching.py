"""Requests that wait together are answered by one call of the script, where it takes several."""

import io
import json
import re
import signal
import threading
from contextlib import ExitStack, contextmanager

import pytest
import requests
from wire import connected, post, read_answer

from serving import check_script, covers, running, wait_for_log, wait_until

# run() and run_batch() answer with the number of requests that the call was for. "hold" waits for
# a file, so that all that is sent meanwhile waits together.
HOLDS = """
import os, time

def init():
    pass

def hold(text):
    if "hold" in text:
        open(os.environ["OUT"] + ".held", "w").close()
        while not os.path.exists(os.environ["OUT"] + ".go"):
            time.sleep(0.01)

def one(text):
    if text == "bad":
        raise ValueError("this row is bad")
    if text == "spin":
        until = time.monotonic() + 20
        while time.monotonic() < until:
            pass
    return text.upper()

def run(raw_data):
    hold(raw_data)
    return [1, one(raw_data)]
"""
BATCH = (
    HOLDS
    + """
def run_batch(inputs):
    return [[len(inputs), one(each)] for each in inputs]
"""
)
FAILED = {
    "message": "An unexpected error occurred in scoring script. Check the logs for more info."
}
TIMED_OUT = {"message": "Scoring timeout after 700 ms"}
METRICS = {"SCOREDOCK_METRICS": "true"}
NUMPY = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
"""


@contextmanager
def server_of(folder, script, **settings):
    with running(folder, script, **settings) as server:
        yield server.wait_until_ready()


@contextmanager
def held(server, folder, request):
    """Let a run() last until the block ends, and all that is sent in it wait."""
    before, after = folder / "out.held", folder / "out.go"
    for each in (before, after):
        each.unlink(missing_ok=True)
    with connected(server) as client:
        client.sendall(request)
        wait_until(before.exists, server.log)
        yield
        after.touch()
        assert read_answer(client.makefile("rb"))[0] == 200


def await_all_sent(server):
    """Return when all that was sent has come: health is told in a turn of the loop that took it."""
    assert requests.get(f"{server.url}/livez", timeout=20).ok


def answers_to(server, folder, sent, hold=None):
    """Return the answers to requests that wait together, each on a connection of its own."""
    with ExitStack() as stack:
        clients = []
        with held(server, folder, hold or post("hold")):
            for request in sent:
                clients.append(stack.enter_context(connected(server)))
                clients[-1].sendall(request)
            await_all_sent(server)
        return [read_answer(client.makefile("rb")) for client in clients]


def results_of(answers):
    return [json.loads(body) for _status, _headers, body in answers]


def of_texts(server, folder, texts):
    answers = answers_to(server, folder, [post(text) for text in texts])
    return [status for status, _, _ in answers], results_of(answers)


def json_post(value):
    return post(json.dumps(value), "Content-Type: application/json")


def test_what_waits_is_answered_by_one_call(tmp_path):
    with server_of(tmp_path, BATCH) as server:
        statuses, results = of_texts(server, tmp_path, "abcde")

        assert statuses == [200] * 5
        assert results == [[5, letter] for letter in "ABCDE"]
        assert server.score("alone").json() == [1, "ALONE"]


@covers("SCOREDOCK_BATCH_LIMIT")
@pytest.mark.parametrize(("limit", "sizes"), [("4", [4, 4, 4, 4, 2, 2]), ("1", [1] * 6)])
def test_a_call_takes_no_more_than_the_limit(tmp_path, limit, sizes):
    with server_of(tmp_path, BATCH, SCOREDOCK_BATCH_LIMIT=limit) as server:
        _, results = of_texts(server, tmp_path, "abcdef")

        assert [size for size, _ in results] == sizes
        assert ("run_batch() takes up to" in server.log()) == (limit != "1")


def test_one_bad_row_fails_alone(tmp_path):
    with server_of(tmp_path, BATCH) as server:
        for _ in range(2):
            statuses, results = of_texts(server, tmp_path, ["a", "b", "bad", "c"])

            assert statuses == [200, 200, 500, 200]
            assert results == [[1, "A"], [1, "B"], FAILED, [1, "C"]]
        said = re.findall("run_batch.. failed for 4 requests: each is answered alone", server.log())
        assert len(said) == 1


def test_an_exception_among_the_results_is_that_requests(tmp_path):
    script = (
        HOLDS
        + """
def run_batch(inputs):
    return [ValueError("not this one") if each == "bad" else len(inputs) for each in inputs]
"""
    )
    with server_of(tmp_path, script) as server:
        sent = [post("a"), post("bad", "x-request-id: the-bad-one"), post("b")]
        answers = answers_to(server, tmp_path, sent)

        assert [status for status, _, _ in answers] == [200, 500, 200]
        assert results_of(answers) == [3, FAILED, 3]
        failed = [headers["x-ms-run-function-failed"] for _, headers, _ in answers]
        assert failed == ["False", "True", "False"]
        assert answers[1][1]["x-request-id"] == "the-bad-one"
        assert re.search(r"failed for this request \[the-bad-one\]", server.log())
        assert "ValueError: not this one" in server.log()


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("inputs[1:]", "it returned 2 results for 3 inputs"),
        ("'abc'", "it returned str, not a list"),
        ("None", "it returned NoneType, not a list"),
    ],
)
def test_another_number_of_results_is_none(tmp_path, returned, told):
    script = f"{HOLDS}\ndef run_batch(inputs): return {returned}\n"
    with server_of(tmp_path, script) as server:
        statuses, results = of_texts(server, tmp_path, "abc")

        assert statuses == [200] * 3
        assert results == [[1, "A"], [1, "B"], [1, "C"]]
        assert told in server.log()


@pytest.mark.parametrize("word", ["def", "async def"])
def test_a_script_without_run(tmp_path, word):
    script = BATCH.replace("def run(", "def not_run(").replace("def run_batch", f"{word} run_batch")
    script = script.replace("    return [[", "    for each in inputs: hold(each)\n    return [[")
    with server_of(tmp_path, script) as server:
        statuses, results = of_texts(server, tmp_path, ["a", "b"])
        assert (statuses, results) == ([200] * 2, [[2, "A"], [2, "B"]])

        statuses, results = of_texts(server, tmp_path, ["a", "bad"])
        assert (statuses, results) == ([200, 500], [[1, "A"], FAILED])
        assert server.score("alone").json() == [1, "ALONE"]


def test_a_script_without_run_may_return_an_exception_for_the_only_input(tmp_path):
    script = "def init(): pass\ndef run_batch(inputs): return [ValueError('no')] * len(inputs)\n"
    with server_of(tmp_path, script) as server:
        answer = server.score("any")

        assert (answer.status_code, answer.json()) == (500, FAILED)


def test_a_run_batch_that_takes_something_else_is_not_called(tmp_path):
    script = f"{HOLDS}\ndef run_batch(rows, size): raise SystemExit\n"
    with server_of(tmp_path, script) as server:
        assert of_texts(server, tmp_path, "ab") == ([200] * 2, [[1, "A"], [1, "B"]])
        assert "run_batch() is not called: it does not take one list alone" in server.log()


@pytest.mark.needs("inference_schema", "numpy")
@pytest.mark.parametrize("setting", ["reference", "improved"])
def test_run_batch_gets_what_the_schema_of_run_makes(tmp_path, setting):
    script = (
        HOLDS.replace("def run(raw", "def text_run(raw")
        + NUMPY
        + """
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
def run(data):
    hold("hold" if data.shape[0] == 0 or data[0][0] == 0 else "")
    return [1, data.tolist()]

def run_batch(inputs):
    return [[len(inputs), type(each).__name__, each.tolist()] for each in inputs]
"""
    )
    with server_of(tmp_path, script, SCOREDOCK_COMPATIBILITY=setting) as server:
        file = io.BytesIO()
        np = pytest.importorskip("numpy")
        np.save(file, np.array([[5, 6]]))
        npy = file.getvalue()
        head = f"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: {len(npy)}\r\n"
        sent = [
            json_post({"data": [[1, 2]]}),
            json_post({"data": [[1, 2, 3]]}),
            json_post({"other": 1}),
            json_post({"data": [[3, 4], [5, 6]]}),
            post("{}"),
            head.encode() + b"Content-Type: application/x-npy\r\n\r\n" + npy,
        ]
        answers = answers_to(server, tmp_path, sent, hold=json_post({"data": [[0, 0]]}))

        wrong = 400 if setting == "improved" else 500
        assert [status for status, _, _ in answers] == [200, wrong, 400, 200, 415, 200]
        results = results_of(answers)
        assert results[0] == [3, "ndarray", [[1, 2]]]
        assert results[3] == [3, "ndarray", [[3, 4], [5, 6]]]
        assert results[5] == [3, "ndarray", [[5, 6]]]


@pytest.mark.needs("inference_schema")
def test_run_batch_gets_several_parameters_by_name(tmp_path):
    script = (
        HOLDS.replace("def run(raw", "def text_run(raw")
        + """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

@input_schema("text", StandardPythonParameterType("a"))
def run(text, times=2):
    hold(text)
    return text * times

def run_batch(inputs):
    return [[len(inputs), each["text"] * each["times"]] for each in inputs]
"""
    )
    with server_of(tmp_path, script) as server:
        sent = [json_post({"text": "a"}), json_post({"text": "b", "times": 3})]
        answers = answers_to(server, tmp_path, sent, hold=json_post({"text": "hold"}))

        assert results_of(answers) == [[2, "aa"], [2, "bbb"]]


STACKED = {
    "numpy": NUMPY
    + """
@stacked
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]]), enforce_shape=False))
def run(data):
    hold("hold" if data[0][0] == 0 else "")
    return [[len(data), *row] for row in data.tolist()]
""",
    "marked by an attribute": NUMPY
    + """
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]]), enforce_shape=False))
def run(data):
    hold("hold" if data[0][0] == 0 else "")
    return {"rows": np.column_stack([np.full(len(data), float(len(data))), data])}
run.accepts_stacked_rows = True
""",
    "pandas": """
import pandas as pd
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
@input_schema("data", PandasParameterType(pd.DataFrame({"0": [1.0], "1": [1.0]}),
    orient="values", enforce_shape=False, enforce_column_type=False))
@stacked
def run(data):
    hold("hold" if data.iloc[0, 0] == 0 else "")
    data.insert(0, "size", float(len(data)))
    return data
""",
    "a list": """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
@stacked
@input_schema("data", StandardPythonParameterType([[1.0]]))
def run(data):
    hold("hold" if data[0][0] == 0 else "")
    if len({len(row) for row in data}) > 1:
        raise ValueError
    return [[len(data), *row] for row in data]
""",
    "text": """
import json
@stacked
def run(raw_data):
    data = json.loads(raw_data)["data"]
    hold("hold" if data[0][0] == 0 else "")
    if len({len(row) for row in data}) > 1:
        raise ValueError
    return tuple([len(data), *row] for row in data)
""",
}


def rows_of(result):
    rows = result["rows"] if isinstance(result, dict) else result
    return [list(row.values()) if isinstance(row, dict) else row for row in rows]


@pytest.mark.needs("inference_schema", "numpy", "pandas")
@pytest.mark.parametrize("kind", STACKED)
def test_rows_of_several_requests_are_stacked_for_run(tmp_path, kind):
    script = (
        "from scoredock_server.batching import stacked\n"
        + HOLDS.replace("def run(raw", "def text_run(raw")
        + STACKED[kind]
    )
    with server_of(tmp_path, script, SCOREDOCK_ENCODE_RESULTS="true") as server:
        sent = [json_post({"data": rows}) for rows in ([[1, 2]], [[3, 4], [5, 6]], [[7, 8]])]
        answers = answers_to(server, tmp_path, sent, hold=json_post({"data": [[0, 0]]}))
        assert [rows_of(each) for each in results_of(answers)] == [
            [[4, 1, 2]],
            [[4, 3, 4], [4, 5, 6]],
            [[4, 7, 8]],
        ]

        # What does not fit beside the others is answered apart from them.
        sent = [json_post({"data": rows}) for rows in ([[1, 2]], [[3, 4, 5]], [[6, 7]])]
        answers = answers_to(server, tmp_path, sent, hold=json_post({"data": [[0, 0]]}))
        rows = [rows_of(each)[0][1:] for each in results_of(answers)]
        assert rows == [[1, 2], [3, 4, 5], [6, 7]]


@pytest.mark.needs("inference_schema", "numpy")
def test_rows_of_other_types_are_not_made_alike(tmp_path):
    script = (
        HOLDS.replace("def run(raw", "def text_run(raw")
        + NUMPY
        + """
@input_schema("data", NumpyParameterType(np.array([[1.0]]), enforce_column_type=False))
def run(data):
    hold("hold" if data[0][0] == 0 else "")
    return [[len(data), str(data.dtype)] for _ in data]
run.accepts_stacked_rows = True
"""
    )
    rows = [[[1]], [[1.5]], [["a"]], [[2]], [[2.5]]]
    with server_of(tmp_path, script) as server:
        sent = [json_post({"data": each}) for each in rows]
        answers = answers_to(server, tmp_path, sent, hold=json_post({"data": [[0]]}))

        results = [each[0] for each in results_of(answers)]
        assert results == [[2, "int64"], [2, "float64"], [1, "<U1"], [2, "int64"], [2, "float64"]]


def test_text_that_holds_no_rows_is_answered_as_ever(tmp_path):
    script = (
        HOLDS.replace("[1, one(raw_data)]", "list(json.loads(raw_data).values())[0]")
        + "import json\nrun.accepts_stacked_rows = True\n"
    )
    bodies = ['{"a": [1, 2], "b": [3]}', '{"a": 4}', '{"a": [5]}', "{", '{"a": [6, 7]}']
    hold = post('{"hold": 1}')
    with server_of(tmp_path, script) as server:
        answers = answers_to(server, tmp_path, [post(each) for each in bodies], hold=hold)

        assert [status for status, _, _ in answers] == [200, 200, 200, 500, 200]
        results = results_of(answers)
        assert results[:3] + results[4:] == [[1, 2], 4, [5], [6, 7]]


def test_a_result_that_has_not_an_entry_for_each_row_is_no_result(tmp_path):
    script = (
        HOLDS.replace("[1, one(raw_data)]", "[len(json.loads(raw_data)['a']), 'none']")
        + "import json\nrun.accepts_stacked_rows = True\n"
    )
    bodies = ['{"a": [1]}', '{"a": [2, 3]}']
    with server_of(tmp_path, script) as server:
        hold = post('{"a": [], "hold": 1}')
        answers = answers_to(server, tmp_path, [post(each) for each in bodies], hold=hold)

        assert results_of(answers) == [[1, "none"], [2, "none"]]
        assert "it returned 2 results for 3 rows" in server.log()


@pytest.mark.needs("inference_schema")
def test_a_run_of_stacked_rows_takes_one_parameter(tmp_path):
    checked = check_script(
        tmp_path,
        "def init(): pass\ndef run(a, b=1): pass\nrun.accepts_stacked_rows = True\n",
    )

    assert checked.returncode == 3
    assert "run() is marked to accept stacked rows: it must take one parameter, not 2" in (
        checked.stderr
    )


@pytest.mark.needs("inference_schema")
def test_the_schema_is_that_of_run(tmp_path):
    checked = check_script(
        tmp_path,
        """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema("inputs", StandardPythonParameterType([1]))
def run_batch(inputs): pass
""",
    )

    assert checked.returncode == 3
    assert "run_batch() has a schema: it must be that of run()" in checked.stderr


def test_the_time_limit_is_that_of_each_call(tmp_path):
    with server_of(tmp_path, BATCH, SCORING_TIMEOUT_MS="700") as server:
        (tmp_path / "out.go").touch()
        with ExitStack() as stack:
            clients = [stack.enter_context(connected(server)) for _ in range(4)]
            clients[0].sendall(post("spin"))
            await_all_sent(server)
            for client, text in zip(clients[1:], ["a", "spin", "b"], strict=True):
                client.sendall(post(text))
            answers = [read_answer(client.makefile("rb")) for client in clients]

        assert [status for status, _, _ in answers] == [500, 200, 500, 200]
        assert results_of(answers) == [TIMED_OUT, [1, "A"], TIMED_OUT, [1, "B"]]
        assert "run_batch() took too long for 3 requests" in server.log()


def test_a_call_that_cannot_be_stopped_is_answered_for(tmp_path):
    # As what computes outside of Python, it looks at no signal until it is done.
    script = (
        HOLDS
        + """
import signal
def run_batch(inputs):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    while not os.path.exists(os.environ["OUT"] + ".done"):
        time.sleep(0.01)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
"""
    )
    with server_of(tmp_path, script, SCORING_TIMEOUT_MS="700") as server, ExitStack() as stack:
        with connected(server) as first:
            first.sendall(post("spin"))
            await_all_sent(server)
            clients = [stack.enter_context(connected(server)) for _ in range(2)]
            for client in clients:
                client.sendall(post("a"))
            answers = [read_answer(client.makefile("rb")) for client in clients]

        assert results_of(answers) == [TIMED_OUT] * 2
        (tmp_path / "out.done").touch()
        # A 503 as long as the call has not ended.
        wait_until(lambda: server.score("b").json() == [1, "B"], server.log)
        assert server.log().count("POST /score 500") == 3


@pytest.mark.needs("prometheus_client")
def test_the_metrics_have_the_sizes_of_calls(tmp_path):
    with server_of(tmp_path, BATCH, **METRICS) as server:
        of_texts(server, tmp_path, "abc")
        server.score("alone")
        page = requests.get(f"{server.url}/metrics", timeout=20).text

        assert "scoredock_batch_size_count 3.0" in page  # with the one that was held
        assert "scoredock_batch_size_sum 5.0" in page
        assert 'scoredock_batch_size_bucket{le="2.0"} 2.0' in page
        assert "scoredock_run_duration_seconds_count 5.0" in page
        assert "scoredock_requests_in_flight 0.0" in page


def test_requests_that_cannot_go_together_are_answered_beside_them(tmp_path):
    chunked = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"1\r\nc\r\n0\r\n\r\n"
    sent = [
        post("a"),
        b"GET /score?x=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        post("nowhere", path="/nowhere"),
        chunked,
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n\xff",
        post("long", "x-request-id: " + "i" * 101),
        post("last", "Connection: close"),
    ]
    with server_of(tmp_path, BATCH) as server:
        answers = answers_to(server, tmp_path, sent)

        assert [status for status, _, _ in answers] == [200, 200, 404, 200, 400, 431, 200]
        results = results_of(answers)
        assert results[0] == [2, "A"]
        assert results[1] == [1, '{"X": 1}']
        assert results[3] == [1, "C"]
        assert results[6] == [2, "LAST"]
        assert answers[6][1]["connection"] == "close"


def test_pipelined_requests_are_answered_in_their_order(tmp_path):
    with server_of(tmp_path, BATCH) as server:
        with connected(server) as one, connected(server) as other:
            with held(server, tmp_path, post("hold")):
                one.sendall(post("a") + post("b") + post("c"))
                other.sendall(post("d") + post("e"))
                await_all_sent(server)
            streams = [one.makefile("rb"), other.makefile("rb")]
            results = [results_of([read_answer(streams[0])])[0] for _ in range(3)]
            results += [results_of([read_answer(streams[1])])[0] for _ in range(2)]

        assert results == [[2, "A"], [2, "B"], [1, "C"], [2, "D"], [2, "E"]]


def test_a_response_among_the_results_is_sent_as_it_is(tmp_path):
    script = (
        HOLDS
        + """
from azureml.contrib.services.aml_response import AMLResponse
def run_batch(inputs):
    return [AMLResponse("own", 202) if each == "own" else len(inputs) for each in inputs]
"""
    )
    with server_of(tmp_path, script) as server:
        answers = answers_to(server, tmp_path, [post("a"), post("own"), post("b")])

        assert [(status, body) for status, _, body in answers] == [
            (200, b"3"),
            (202, b"own"),
            (200, b"3"),
        ]


def test_a_script_that_takes_the_request_itself_has_one_at_a_time(tmp_path):
    script = BATCH.replace(
        "def run(raw_data):\n",
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "@rawhttp\ndef run(request):\n    raw_data = request.get_data(as_text=True)\n",
    )
    with server_of(tmp_path, script) as server:
        assert of_texts(server, tmp_path, "ab") == ([200] * 2, [[1, "A"], [1, "B"]])
        assert "it has one request at a time" in server.log()


def test_with_gthread_each_request_is_answered_alone(tmp_path):
    arguments = "--worker-class gthread --threads 4"
    with server_of(tmp_path, BATCH, GUNICORN_CMD_ARGS=arguments) as server:
        assert server.score("a").json() == [1, "A"]


def test_each_request_has_its_line_and_its_ids(tmp_path):
    with server_of(tmp_path, BATCH) as server:
        sent = [post(letter, f"x-request-id: id-of-{letter}") for letter in "abc"]
        answers = answers_to(server, tmp_path, sent)

        assert [each[1]["x-request-id"] for each in answers] == ["id-of-a", "id-of-b", "id-of-c"]
        assert len({each[1]["x-ms-run-fn-exec-ms"] for each in answers}) == 1
        for letter in "abc":
            wait_for_log(server, rf"POST /score 200 .*\[id-of-{letter}\]")


def test_the_end_of_the_server_loses_none(tmp_path):
    with server_of(tmp_path, BATCH) as server, ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(8)]
        with held(server, tmp_path, post("hold")):
            for client in clients:
                client.sendall(post("a"))
            await_all_sent(server)
            server.process.send_signal(signal.SIGTERM)
            wait_for_log(server, "Handling signal: term")
        answers = [read_answer(client.makefile("rb")) for client in clients]

        assert results_of(answers) == [[8, "A"]] * 8
        assert server.exit_code() == 0


def test_many_clients_at_once_get_their_own_answers(tmp_path):
    script = BATCH.replace("    return [[len(", "    time.sleep(0.002)\n    return [[len(")
    got = {}

    def ask(name):
        with requests.Session() as session:
            for number in range(40):
                text = "bad" if number == 20 and name == "c3" else f"{name}-{number}"
                answer = session.post(f"{server.url}/score", data=text, timeout=20)
                got[name, number] = answer.json()

    with server_of(tmp_path, script, WORKER_COUNT="2") as server:
        threads = [threading.Thread(target=ask, args=[f"c{number}"]) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert got.pop(("c3", 20)) == FAILED
    assert len(got) == 479
    assert {key: result[1] for key, result in got.items()} == {
        key: f"{key[0]}-{key[1]}".upper() for key in got
    }
    assert max(result[0] for result in got.values()) > 1


@pytest.mark.parametrize("batch", [BATCH, HOLDS])
def test_check_tells_of_it(tmp_path, batch):
    checked = check_script(tmp_path, batch)

    assert checked.returncode == 0
    assert ("run_batch() takes up to 64 requests that wait" in checked.stderr) == (batch is BATCH)
