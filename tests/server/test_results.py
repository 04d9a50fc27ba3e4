import re

import pytest
import requests

from serving import EVALUATE, running, wait_for_log, wait_until

STANDARD = [
    ("datetime.date(2026, 1, 31)", "2026-01-31"),
    ("datetime.datetime(2026, 1, 31, 12, 0, 0, 5)", "2026-01-31T12:00:00.000005"),
    (
        "datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)",
        "2026-01-31T12:00:00+00:00",
    ),
    ("datetime.time(12, 30)", "12:30:00"),
    ("datetime.timedelta(minutes=1.5)", 90.0),
    ("b'\\xff\\xfe'", "//4="),
    ("bytearray(b'a')", "YQ=="),
    ("memoryview(b'a')", "YQ=="),
    ("decimal.Decimal('1.10')", "1.10"),
    ("uuid.UUID(int=7)", "00000000-0000-0000-0000-000000000007"),
    ("pathlib.PurePosixPath('/models/a')", "/models/a"),
    ("enum.Enum('Color', {'red': 'rouge'}).red", "rouge"),
    ("{3}", [3]),
    ("frozenset()", []),
    ("types.MappingProxyType({'a': {1}})", {"a": [1]}),
    ("[{'deep': ({b'a'}, datetime.date(2026, 1, 31))}]", [{"deep": [["YQ=="], "2026-01-31"]}]),
    ("{datetime.date(2026, 1, 31): 1}", {"2026-01-31": 1}),
    ("{decimal.Decimal(2): [{'x': {1}}]}", {"2": [{"x": [1]}]}),
]
NUMPY = [
    ("numpy.int64(7)", 7),
    ("numpy.float32(0.5)", 0.5),
    ("numpy.bool_(True)", True),
    ("numpy.arange(4).reshape(2, 2)", [[0, 1], [2, 3]]),
    ("numpy.array(7)", 7),
    ("numpy.array(['a', 'b'])", ["a", "b"]),
    ("numpy.array([None, {'x': numpy.int8(1)}])", [None, {"x": 1}]),
    ("numpy.array([b'a'])", ["YQ=="]),
    ("numpy.datetime64('2026-01-31T12:00')", "2026-01-31T12:00"),
    ("numpy.datetime64('2026-01-31T12:00:00.000000001')", "2026-01-31T12:00:00.000000001"),
    ("numpy.datetime64('NaT')", None),
    ("numpy.array(['2026-01-31', 'NaT'], 'datetime64[D]')", ["2026-01-31", None]),
    ("numpy.array([['2026-01-31']], 'datetime64[ns]')", [["2026-01-31T00:00:00.000000000"]]),
    ("numpy.timedelta64(90, 'm')", 5400.0),
    ("numpy.array([90], 'timedelta64[m]')", [5400.0]),
    ("{numpy.int64(7): numpy.float64(0.5)}", {"7": 0.5}),
]
PANDAS = [
    ("pandas.DataFrame({'a': [1, 2], 'b': ['x', 'y']})", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
    ("pandas.DataFrame({0: [True]})", [{"0": True}]),
    ("pandas.Series([1, 2], index=['a', 'b'])", [1, 2]),
    ("pandas.Index(['a'])", ["a"]),
    ("pandas.Series(['x'], dtype='category')", ["x"]),
    ("pandas.Timestamp('2026-01-31 12:00')", "2026-01-31T12:00:00"),
    ("pandas.Timedelta('90s')", 90.0),
    ("pandas.NaT", None),
    ("pandas.NA", None),
    ("pandas.to_datetime(pandas.Series(['2026-01-31', None]))", ["2026-01-31T00:00:00", None]),
    ("pandas.DataFrame({'t': [pandas.Timestamp('2026-01-31')]})", [{"t": "2026-01-31T00:00:00"}]),
    ("pandas.Series([1, None], dtype='Int64')", [1, None]),
    ("{'table': pandas.DataFrame({'a': [{1}]})}", {"table": [{"a": [1]}]}),
]
ALL = [
    *[pytest.param(*case, id=case[0]) for case in STANDARD],
    *[pytest.param(*case, id=case[0], marks=pytest.mark.needs("numpy")) for case in NUMPY],
    *[pytest.param(*case, id=case[0], marks=pytest.mark.needs("pandas")) for case in PANDAS],
]
DATACLASS = """
import dataclasses, typing

@dataclasses.dataclass
class Box:
    left: int
    tags: set

@dataclasses.dataclass
class Found:
    label: str
    boxes: typing.List[Box]

def init(): pass
def run(raw_data): return [Found("cat", [Box(1, {2})])]
"""


@pytest.fixture(scope="module")
def improved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("improved")
    with running(folder, EVALUATE, SCOREDOCK_COMPATIBILITY="improved") as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    with running(tmp_path_factory.mktemp("reference"), EVALUATE) as server:
        yield server.wait_until_ready()


@pytest.mark.parametrize(("expression", "expected"), ALL)
def test_improved_encodes_what_the_json_module_refuses(improved, expression, expected):
    answer = improved.score(expression)

    assert answer.status_code == 200, improved.log()
    assert answer.json() == expected


@pytest.mark.parametrize(("expression", "expected"), ALL)
def test_reference_refuses_it_and_the_log_names_the_setting(reference, expression, expected):
    answer = reference.score(expression, headers={"x-request-id": expression[:100]})

    assert answer.status_code == 500
    assert answer.json()["message"].startswith("An unexpected internal error occurred.")
    assert answer.headers["x-ms-run-function-failed"] == "False"
    assert "x-ms-run-fn-exec-ms" not in answer.headers
    hint = f"SCOREDOCK_ENCODE_RESULTS=true encodes it [{expression[:100]}]"
    wait_until(lambda: hint in reference.log(), reference.log)


@pytest.mark.needs("dataclasses")
def test_improved_encodes_dataclasses_within_each_other(serve):
    server = serve(DATACLASS, SCOREDOCK_COMPATIBILITY="improved")

    answer = server.wait_until_ready().score()

    assert answer.json() == [{"label": "cat", "boxes": [{"left": 1, "tags": [2]}]}]


@pytest.mark.parametrize(
    "expression",
    [
        "object()",
        "1j",
        "iter([1])",
        "int",
        "{(1, 2): 3}",
        "{'a': [{(1, 2): {3}}]}",
        "(lambda cycle: cycle.append(cycle) or cycle)([])",
        "type('Bad', (), {'tolist': lambda self: 1 / 0})()",
        "functools.reduce(lambda inner, _: [inner], range(100000), [])",
    ],
)
@pytest.mark.parametrize("mode", ["improved", "reference"])
def test_what_has_no_form_in_json_is_an_internal_error_without_a_hint(mode, expression, request):
    server = request.getfixturevalue(mode)

    answer = server.score(expression, headers={"x-request-id": expression})

    assert answer.status_code == 500
    assert "internal error" in answer.json()["message"]
    wait_until(lambda: f"cannot be written as JSON [{expression}]" in server.log(), server.log)


@pytest.mark.parametrize("mode", ["improved", "reference"])
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("None", "{}"),
        ("[None]", "[null]"),
        ("'é'", '"\\u00e9"'),
        ("{'b': 1, 'a': (2, 3)}", '{"b": 1, "a": [2, 3]}'),
        ("{True: 1, None: 2, 1.5: 3}", '{"true": 1, "null": 2, "1.5": 3}'),
        ("enum.IntEnum('Color', 'red').red", "1"),
        ("[float('nan'), float('-inf')]", "[NaN, -Infinity]"),
    ],
)
def test_what_the_json_module_writes_is_the_same_in_both(mode, expression, text, request):
    answer = request.getfixturevalue(mode).score(expression)

    assert answer.text == text


def test_the_log_holds_the_reason_why_a_result_is_not_json(reference):
    reference.score("{'a': object()}", headers={"x-request-id": "reason"})

    wait_until(lambda: "[reason]" in reference.log(), reference.log)
    after = reference.log().partition("[reason]")[2]
    assert "not JSON serializable" in after


def test_a_status_and_a_header_of_a_response_arrive_and_dates_in_it_stay_whole(reference):
    response = "importlib.import_module('azureml.contrib.services.aml_response').AMLResponse"
    headers = {
        "Set-Cookie": "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        "Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT",
        "X-List": "a, b",
    }

    answer = reference.score(f"{response}('made', 201, {headers!r})")

    assert (answer.status_code, answer.text) == (201, "made")
    raw = answer.raw.headers
    assert [raw.getlist(name) for name in headers] == [
        [headers["Set-Cookie"]],
        [headers["Last-Modified"]],
        ["a", "b"],
    ]


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ("'x', 0", "the status '0 UNKNOWN'"),
        ("'x', 100", "the status '100 CONTINUE'"),
        ("'x', '200 \\u2603'", "the status '200 ☃'"),
        ("[5]", "a int in its body"),
        ("['\\ud800']", "a body that is not text: 'utf-8' codec can't encode"),
        ("'x', 200, {'X-A': '\\u2603'}", "the header 'X-A': '☃'"),
        ("'x', 200, {'X A': 'a'}", "the header 'X A': 'a'"),
        ("iter('x'), 200, {'Content-Length': 'x'}", "the header 'Content-Length': 'x'"),
        ("iter('x'), 200, [('Content-Length', '1')] * 2", "more than one Content-Length"),
    ],
)
def test_a_response_that_cannot_be_sent_is_a_json_error(reference, response, problem):
    answer = reference.score(f"flask.Response({response})")

    assert answer.status_code == 500
    assert "internal error" in answer.json()["message"]
    wait_for_log(reference, re.escape(f"run() returned a response with {problem}"))


@pytest.mark.parametrize("length", ["2", "5", "3, 5"])
def test_the_length_of_a_response_is_that_of_its_body(reference, length):
    response = "importlib.import_module('azureml.contrib.services.aml_response').AMLResponse"

    answer = reference.score(f"{response}('abc', 200, {{'Content-Length': {length!r}}})")

    assert (answer.status_code, answer.text) == (200, "abc")
    assert answer.raw.headers.getlist("Content-Length") == ["3"]


def test_the_same_response_again_and_again_gathers_no_headers(serve):
    server = serve(
        "import flask\nSAME = flask.Response('x', 202, {'X-Own': '1'})\n"
        "def init(): pass\ndef run(raw_data): return SAME"
    ).wait_until_ready()

    answers = [server.score() for _ in range(3)]

    names = [sorted(name.lower() for name in answer.raw.headers) for answer in answers]
    assert names[0] == names[1] == names[2]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert all(len(each.raw.headers.getlist("x-ms-run-fn-exec-ms")) == 1 for each in answers)


def test_a_stream_arrives_piece_by_piece(serve, tmp_path):
    server = serve(
        "import flask, os, time\n"
        "def pieces():\n"
        "    yield 'first '\n"
        "    while not os.path.exists(os.environ['OUT']): time.sleep(0.01)\n"
        "    yield 'second'\n"
        "def init(): pass\n"
        "def run(raw_data): return flask.Response(pieces())"
    ).wait_until_ready()

    with requests.post(f"{server.url}/score", stream=True, timeout=20) as answer:
        pieces = answer.iter_content(None)
        first = next(pieces)
        (tmp_path / "out").touch()
        rest = b"".join(pieces)

    assert (first, rest) == (b"first ", b"second")
    assert re.fullmatch(r"\d+\.\d{3}", answer.headers["x-ms-run-fn-exec-ms"])
