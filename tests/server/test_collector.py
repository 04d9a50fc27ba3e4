import json
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from interpreter import server_python, server_variables

BOTH = """
import json
from azureml.ai.monitoring import Collector
from azureml.monitoring import ModelDataCollector

def init():
    global inputs, outputs
    inputs = Collector(name="model_inputs")
    outputs = ModelDataCollector("digits", designation="predictions", model_version="3")

def run(raw_data):
    context = inputs.collect(json.loads(raw_data))
    outputs.collect([1, 2], user_correlation_id=context.get_id())
    return "scored"
"""
PRELUDE = """
import json, logging, os, sys
from scoredock_server import stand_ins
stand_ins.install()
logging.basicConfig(level="INFO")
from azureml.ai.monitoring import Collector
from azureml.ai.monitoring.context import BasicCorrelationContext
from azureml.monitoring import ModelDataCollector
"""


def collect(code, folder, **settings):
    """Run `code` beside a server that collects into `folder`; return what it logs."""
    variables = {"SCOREDOCK_COLLECT_DIR": str(folder), **settings}
    process = subprocess.run(
        [server_python(), "-c", PRELUDE + code],
        env=server_variables() | variables,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    return process.stderr


def records(folder, collection="*"):
    """Return the records that `folder` holds; every line must be one."""
    lines = [
        line
        for path in sorted(folder.glob(f"{collection}.jsonl*"))
        for line in path.read_text().splitlines()
    ]
    return [json.loads(line) for line in lines]


def wait_for(folder, count):
    """Return the records when there are `count` of them: a thread writes them."""
    deadline = time.monotonic() + 20
    while len(found := records(folder)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_a_record_says_when_what_for_and_of_which_model(serve, tmp_path):
    folder = tmp_path / "not" / "there" / "yet"
    server = serve(BOTH, models={"digits/7/a": ""}, SCOREDOCK_COLLECT_DIR=str(folder))

    answer = server.wait_until_ready().score('{"a": [1.5, null]}', headers={"x-request-id": "me"})

    assert answer.json() == "scored"
    outputs, inputs = sorted(wait_for(folder, 2), key=lambda record: record["collection"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", inputs.pop("time"))
    assert inputs == {
        "collection": "model_inputs",
        "request": "me",
        "correlation": "me",
        "model": "digits:7",
        "data": {"a": [1.5, None]},
    }
    assert outputs.pop("time")
    assert outputs == {
        "collection": "digits-predictions",
        "request": "me",
        "correlation": "me",
        "model": "digits:3",
        "data": [1, 2],
    }


def test_without_a_folder_requests_are_scored_and_the_log_says_how_to_keep_data(serve):
    server = serve(BOTH).wait_until_ready()

    answers = [server.score().json() for _ in range(3)]

    assert answers == ["scored"] * 3


def test_how_to_keep_data_is_said_once(tmp_path):
    code = "for name in 'abc': Collector(name=name).collect([1])"

    log = collect(code, "")

    assert log.count("SCOREDOCK_COLLECT_DIR") == 1


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ("[1, 'é', None]", [1, "é", None]),
        ("{'a': float('nan')}", {"a": None}),
        ("'text'", "text"),
        ("__import__('datetime').date(2026, 1, 31)", "2026-01-31"),
        ("[]", []),
        ("'two\\nlines\\u2028'", "two\nlines\u2028"),
    ],
)
def test_data_are_kept_as_json_on_one_line(tmp_path, data, kept):
    collect(f"Collector(name='c').collect({data})", tmp_path)

    (record,) = records(tmp_path)
    assert record["data"] == kept


@pytest.mark.needs("numpy", "pandas")
@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (
            "pd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
            [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        ),
        ("pd.DataFrame({'a': [1.5, float('nan')]})", [{"a": 1.5}, {"a": None}]),
        ("pd.DataFrame({'t': [pd.Timestamp('2026-01-31')]})", [{"t": "2026-01-31T00:00:00"}]),
        ("pd.DataFrame({'t': [pd.NaT]})", [{"t": None}]),
        ("pd.DataFrame([[1]])", [{"0": 1}]),
        ("pd.Series([1, 2])", [1, 2]),
        ("np.array([[1, 2], [3, 4]])", [[1, 2], [3, 4]]),
        ("np.float32(0.5)", 0.5),
        ("{'a': np.int64(1), 'b': [np.bool_(True)]}", {"a": 1, "b": [True]}),
    ],
)
def test_numpy_and_pandas_become_rows(tmp_path, data, kept):
    collect(f"import numpy as np, pandas as pd\nCollector(name='c').collect({data})", tmp_path)

    (record,) = records(tmp_path)
    assert record["data"] == kept


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ("[1, 2]", [{"f": 1, "g": 2}]),
        ("[[1, 2], [3, 4]]", [{"f": 1, "g": 2}, {"f": 3, "g": 4}]),
        ("[1, 2, 3]", [1, 2, 3]),
        ("'text'", "text"),
    ],
)
def test_feature_names_are_the_keys_of_rows_that_they_fit(tmp_path, data, kept):
    collect(f"ModelDataCollector('m', feature_names=['f', 'g']).collect({data})", tmp_path)

    (record,) = records(tmp_path, "m-general")
    assert record["data"] == kept


def test_v1_takes_all_arguments_and_carries_the_correlation_of_inputs(tmp_path):
    code = (
        "both = dict(model_name='m', feature_names=['f'], workspace='a/b/c', model_version='2',"
        " webservice_name='w', collection_name='extra')\n"
        "inputs = ModelDataCollector(designation='inputs', **both)\n"
        "outputs = ModelDataCollector(designation='predictions', **both)\n"
        "found = inputs.collect([1], 'mine')\n"
        "assert found['$aml_dc_correlation_id'] == 'mine', found\n"
        "data = outputs.add_correlations([2], found)\n"
        "assert outputs.collect(data) is None\n"
        "outputs.collect([3])"
    )

    collect(code, tmp_path)

    (given,) = records(tmp_path, "m-inputs-extra")
    carried, fresh = records(tmp_path, "m-predictions-extra")
    assert [given["correlation"], carried["correlation"]] == ["mine", "mine"]
    assert fresh["correlation"] != "mine"
    assert carried["data"] == [{"f": 2}]


def test_v2_contexts_have_the_names_of_the_package():
    code = (
        "context = BasicCorrelationContext(id='x', timestamp=5, headers={'a': 'b'})\n"
        "assert Collector(name='c').collect([1], context) is context\n"
        "assert Collector(name='c').collect([1], correlation_context=context) is context\n"
        "assert (context.id, context.timestamp, context.headers) == ('x', 5, {'a': 'b'})\n"
        "assert (str(context), context.get_timestamp(), context.get_headers()) == "
        "('x', 5, {'a': 'b'})\n"
        "assert BasicCorrelationContext().get_id() != BasicCorrelationContext().get_id()\n"
        "from azureml.ai.monitoring.context import CorrelationContext, get_context\n"
        "assert isinstance(get_context(), CorrelationContext)"
    )

    collect(code, "")


def test_sampling_keeps_or_drops_inputs_and_outputs_together(tmp_path):
    code = (
        "inputs, outputs = Collector(name='inputs'), Collector(name='outputs')\n"
        "for number in range(1000): outputs.collect([2], inputs.collect([1]))"
    )

    collect(code, tmp_path, SCOREDOCK_COLLECT_SAMPLE_PERCENT="30")

    inputs = {record["correlation"] for record in records(tmp_path, "inputs")}
    outputs = {record["correlation"] for record in records(tmp_path, "outputs")}
    assert inputs == outputs
    assert 200 < len(inputs) < 400


def test_a_request_is_one_sample_even_if_its_context_is_not_handed_on(serve, tmp_path):
    script = BOTH.replace(", user_correlation_id=context.get_id()", "")
    settings = {"SCOREDOCK_COLLECT_DIR": str(tmp_path / "kept")}
    server = serve(script, SCOREDOCK_COLLECT_SAMPLE_PERCENT="50", **settings).wait_until_ready()

    for _ in range(40):
        server.score()

    server.process.terminate()
    assert server.exit_code() == 0
    found = [record["correlation"] for record in records(tmp_path / "kept")]
    assert 0 < len(set(found)) < 40
    assert all(found.count(correlation) == 2 for correlation in found)


def test_nothing_is_kept_of_zero_percent(tmp_path):
    log = collect(
        "Collector(name='c').collect([1])", tmp_path, SCOREDOCK_COLLECT_SAMPLE_PERCENT="0"
    )

    assert not list(tmp_path.iterdir())
    assert "WARNING" not in log


def test_files_are_bounded_in_size_and_number_and_hold_the_newest(tmp_path):
    code = "c = Collector(name='c')\nfor number in range(100): c.collect([number, 'x' * 100000])"

    collect(code, tmp_path, SCOREDOCK_COLLECT_MAX_MB="1", SCOREDOCK_COLLECT_FILES="2")

    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("c.jsonl*")}
    assert sorted(sizes) == ["c.jsonl", "c.jsonl.1", "c.jsonl.2"]
    assert all(900_000 < sizes[name] <= 1_000_000 for name in ("c.jsonl.1", "c.jsonl.2"))
    kept = sorted(record["data"][0] for record in records(tmp_path))
    assert kept == list(range(100 - len(kept), 100))


def test_fewer_files_are_kept_when_the_setting_is_lowered(tmp_path):
    for number in range(1, 5):
        (tmp_path / f"c.jsonl.{number}").write_text("{}\n")
    code = "c = Collector(name='c')\nfor _ in range(3): c.collect('x' * 600000)"

    collect(code, tmp_path, SCOREDOCK_COLLECT_MAX_MB="1", SCOREDOCK_COLLECT_FILES="1")

    assert sorted(path.name for path in tmp_path.glob("c*")) == ["c.jsonl", "c.jsonl.1"]


def test_a_record_larger_than_a_file_is_dropped(tmp_path):
    log = collect(
        "c = Collector(name='c')\nc.collect('x' * 1000000)\nc.collect('small')",
        tmp_path,
        SCOREDOCK_COLLECT_MAX_MB="1",
    )

    assert [record["data"] for record in records(tmp_path)] == ["small"]
    assert "SCOREDOCK_COLLECT_MAX_MB" in log


def test_four_processes_that_write_at_once_lose_and_mangle_nothing(tmp_path):
    # Large records and a flush after each: the processes keep meeting where a file is full.
    code = (
        "import threading, time\n"
        "from scoredock_server.collector import flush\n"
        "c = Collector(name='c')\n"
        "def work(thread):\n"
        "    for number in range(30):\n"
        "        c.collect([PROCESS, thread, number, 'x' * 200000])\n"
        "        flush()\n"
        "threads = [threading.Thread(target=work, args=(each,)) for each in range(2)]\n"
        "folder = os.environ['SCOREDOCK_COLLECT_DIR']\n"
        "open(os.path.join(folder, 'ready-PROCESS'), 'w').close()\n"
        "while sum(name.startswith('ready') for name in os.listdir(folder)) < 4: time.sleep(0.01)\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()"
    )
    settings = {"SCOREDOCK_COLLECT_MAX_MB": "1", "SCOREDOCK_COLLECT_FILES": "200"}

    with ThreadPoolExecutor() as pool:
        codes = [code.replace("PROCESS", str(process)) for process in range(4)]
        list(pool.map(lambda each: collect(each, tmp_path, **settings), codes))

    found = sorted(record["data"][:3] for record in records(tmp_path))
    assert len(list(tmp_path.glob("c.jsonl*"))) == 60
    assert found == [[*each] for each in product(range(4), range(2), range(30))]


@pytest.mark.parametrize("preload", ["false", "true"])
def test_four_workers_keep_every_request_and_write_the_rest_when_they_stop(
    serve, tmp_path, preload
):
    folder = tmp_path / "kept"
    server = serve(
        BOTH, WORKER_COUNT="4", WORKER_PRELOAD=preload, SCOREDOCK_COLLECT_DIR=str(folder)
    ).wait_until_ready()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: server.score(json.dumps([number])), range(200)))

    assert {answer.status_code for answer in answers} == {200}
    server.process.terminate()
    assert server.exit_code() == 0
    assert sorted(record["data"] for record in records(folder, "model_inputs")) == [
        [number] for number in range(200)
    ]
    assert len(records(folder, "digits-predictions")) == 200


def test_a_folder_that_cannot_be_written_fails_no_request_and_is_logged_once(serve, tmp_path):
    (tmp_path / "file").touch()  # not a folder without rights: root would write there
    server = serve(BOTH, SCOREDOCK_COLLECT_DIR=str(tmp_path / "file" / "folder"))

    answers = [server.wait_until_ready().score().json() for _ in range(3)]

    assert answers == ["scored"] * 3
    server.process.terminate()
    assert server.exit_code() == 0
    assert server.log().count("NotADirectoryError") == 1


def test_a_full_disk_leaves_whole_lines_and_collecting_goes_on_afterwards(tmp_path):
    code = (
        "import resource\n"
        "from scoredock_server.collector import flush\n"
        "c = Collector(name='c')\n"
        "def fill(limit, numbers):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))\n"
        "    for number in numbers:\n"
        "        c.collect([number, 'x' * 300])\n"
        "        flush()\n"
        "fill(2000, range(20))\n"
        "fill(resource.RLIM_INFINITY, range(20, 30))"
    )

    log = collect(code, tmp_path)

    kept = [record["data"][0] for record in records(tmp_path)]
    assert 0 < kept.index(20) < 20
    assert kept[kept.index(20) :] == list(range(20, 30))
    assert log.count("File too large") == 1


def test_half_a_line_of_a_killed_process_does_not_spoil_the_next(tmp_path):
    (tmp_path / "c.jsonl").write_text('{"data": 1}\n{"data": ')

    collect("Collector(name='c').collect(2)", tmp_path)

    assert json.loads((tmp_path / "c.jsonl").read_text())["data"] == 2
    assert (tmp_path / "c.jsonl.1").read_text() == '{"data": 1}\n{"data": '


@pytest.mark.parametrize(
    "name", ["../../outside", "/outside", "..", "a/b", "", ".", "x" * 300, "é"]
)
def test_no_name_of_a_collection_leaves_the_folder(tmp_path, name):
    folder = tmp_path / "a" / "b" / "kept"

    collect(f"Collector(name={name!r}).collect([1])", folder)

    (record,) = records(folder)
    assert record["collection"] == name
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.parent for path in tmp_path.rglob("*.jsonl")] == [folder]


def test_names_that_look_alike_in_a_file_system_stay_apart(tmp_path):
    collect("for name in ('a/b', 'a_b', 'a:b'): Collector(name=name).collect([1])", tmp_path)

    assert len(list(tmp_path.glob("*.jsonl"))) == 3


def test_what_cannot_be_kept_goes_to_on_error_even_if_that_raises(tmp_path):
    code = (
        "errors = []\n"
        "Collector(name='told', on_error=errors.append).collect(object())\n"
        "assert [type(error) for error in errors] == [TypeError], errors\n"
        "def fail(error): raise KeyError('on_error')\n"
        "for _ in range(3): Collector(name='failing', on_error=fail).collect(object())"
    )

    log = collect(code, tmp_path)

    assert "told" not in log
    assert log.count("KeyError('on_error'") == 1


def test_what_cannot_be_written_goes_to_on_error_too(tmp_path):
    (tmp_path / "file").touch()
    code = (
        "from scoredock_server.collector import flush\n"
        "errors = []\n"
        "Collector(name='c', on_error=errors.append).collect([1])\n"
        "flush()\n"
        "assert [type(error) for error in errors] == [NotADirectoryError], errors"
    )

    log = collect(code, tmp_path / "file" / "folder")

    assert "WARNING" not in log


def test_what_cannot_be_kept_is_logged_once_and_never_raised(tmp_path):
    code = (
        "class Odd(BasicCorrelationContext):\n"
        "    def get_id(self): raise RuntimeError('no id')\n"
        "circle = []\n"
        "circle.append(circle)\n"
        "for data in (object(), lambda: 0, {object(): 1}, circle):\n"
        "    Collector(name='c').collect(data)\n"
        "    ModelDataCollector('m', feature_names=['f']).collect(data)\n"
        "Collector(name='c').collect([1], Odd())\n"
        "Collector(name='c').collect([2])"
    )

    log = collect(code, tmp_path)

    assert [record["data"] for record in records(tmp_path)] == [[2]]
    assert log.count("TypeError") == 1
    assert log.count("no id") == 1


def test_a_wrong_setting_drops_data_and_says_so(tmp_path):
    log = collect(
        "Collector(name='c').collect([1])", tmp_path, SCOREDOCK_COLLECT_SAMPLE_PERCENT="many"
    )

    assert not list(tmp_path.iterdir())
    assert "SCOREDOCK_COLLECT_SAMPLE_PERCENT" in log


def test_the_scoring_timeout_is_not_swallowed(serve, tmp_path):
    script = (
        "import time\n"
        "from azureml.ai.monitoring import Collector\n"
        "class Slow:\n"
        "    def tolist(self): time.sleep(30)\n"
        "def init(): pass\n"
        "def run(raw_data): return Collector(name='c').collect(Slow()).id"
    )
    settings = {"SCORING_TIMEOUT_MS": "300", "SCOREDOCK_COLLECT_DIR": str(tmp_path)}

    answer = serve(script, **settings).wait_until_ready().score()

    assert answer.status_code == 500
    assert "timeout" in answer.json()["message"].lower()


def test_collecting_does_not_wait_for_the_disk(tmp_path):
    code = (
        "import fcntl, time\n"
        "with open(os.path.join(os.environ['SCOREDOCK_COLLECT_DIR'], '.lock'), 'w') as lock:\n"
        "    fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "    began = time.monotonic()\n"
        "    for number in range(100): Collector(name='c').collect([number])\n"
        "    assert time.monotonic() - began < 2"
    )

    collect(code, tmp_path)

    assert len(records(tmp_path)) == 100


def test_what_waits_for_the_disk_is_bounded(tmp_path):
    code = (
        "import fcntl\n"
        "with open(os.path.join(os.environ['SCOREDOCK_COLLECT_DIR'], '.lock'), 'w') as lock:\n"
        "    fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "    for number in range(100): Collector(name='c').collect('x' * 1000000)"
    )

    log = collect(code, tmp_path)

    assert 60 <= len(records(tmp_path)) < 70
    assert log.count("BufferError") == 1
