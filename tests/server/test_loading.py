import json

import pytest
import requests
from packaging.version import Version

from interpreter import server_versions
from serving import ECHO, check_script, run_command, running, wait_for_log, write_files

INIT = "def init(): pass\n"
RAW = "from azureml.contrib.services.aml_request import rawhttp\n"
SCHEMA = (
    "from inference_schema.schema_decorators import input_schema\n"
    "from inference_schema.parameter_types.standard_py_parameter_type import *\n"
)
RULES = [
    ("def run(raw_data): pass", "defines no function init()"),
    ("init = 1\ndef run(raw_data): pass", "defines no function init()"),
    (INIT, "defines no function run()"),
    (INIT + "run = 'text'", "defines no function run()"),
    (INIT + "def run(): pass", "run() must take at least one parameter"),
    (INIT + "def run(request_headers): pass", "run() must take at least one parameter besides"),
    (INIT + "def run(*rows): pass", "run() must name each of its parameters; *rows"),
    (INIT + "def run(raw_data, **more): pass", "run() must name each of its parameters; **more"),
    (INIT + "run = len", "run() must name each of its parameters; obj"),
]
# What is raised, and the line of the script that its traceback shows.
MISTAKES = [
    ("def init(:", "SyntaxError"),
    ("import absent_package", "No module named 'absent_package'"),
    ("[][0]", "IndexError"),
    ("import sys; sys.exit(0)", "SystemExit: 0"),
    (
        "def run(raw_data): pass\ndef init(): raise RuntimeError('no model')",
        "RuntimeError: no model",
    ),
    ("def run(raw_data): pass\ndef init(): import sys; sys.exit(0)", "SystemExit: 0"),
    ("def run(raw_data): pass\ndef init(): raise KeyboardInterrupt", "KeyboardInterrupt"),
]


@pytest.mark.parametrize(("script", "reason"), RULES)
def test_a_script_that_breaks_a_rule_is_refused_with_a_line_of_its_own(tmp_path, script, reason):
    checked = check_script(tmp_path, script)

    assert checked.returncode == 3
    assert f"{tmp_path / 'score.py'}" in checked.stderr
    assert reason in checked.stderr
    assert "Traceback" not in checked.stderr
    assert checked.stdout == ""


@pytest.mark.needs("inference_schema")
def test_raw_requests_and_a_schema_exclude_each_other(tmp_path):
    decorated = "@rawhttp\n@input_schema('a', StandardPythonParameterType(1))\ndef run(a): pass"

    checked = check_script(tmp_path, RAW + SCHEMA + INIT + decorated)

    assert checked.returncode == 3
    assert "run() has both @rawhttp and a schema" in checked.stderr
    assert "Traceback" not in checked.stderr


@pytest.mark.parametrize(("script", "reason"), MISTAKES)
def test_an_error_of_the_script_is_told_with_its_traceback_and_the_models_files(
    tmp_path, script, reason
):
    write_files(tmp_path, {"models/digits.pkl": ""})

    checked = check_script(tmp_path, script, AZUREML_MODEL_DIR="models")

    assert checked.returncode == 3
    assert reason in checked.stderr
    assert f'File "{tmp_path / "score.py"}", line ' in checked.stderr
    assert "AZUREML_MODEL_DIR=models holds ['digits.pkl']" in checked.stderr


def test_an_init_that_needs_an_argument_is_refused(tmp_path):
    checked = check_script(tmp_path, "def run(raw_data): pass\ndef init(model): pass")

    assert checked.returncode == 3
    assert "init() missing 1 required positional argument: 'model'" in checked.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("other.py", "no entry script at {}/other.py"),
        ("other.py", "the folder has helper.py, "),
        ("nowhere/score.py", "there is no folder {}/nowhere"),
        ("score.txt", "{}/score.txt is not a Python file: its name must end in .py"),
        ("score", "its name must end in .py"),
        ("package.py", "no entry script at {}/package.py"),
    ],
)
def test_an_entry_script_that_is_no_python_file_is_refused_by_its_path(tmp_path, name, reason):
    write_files(tmp_path, {"helper.py": "", "score.txt": ECHO, "package.py/__init__.py": ECHO})

    checked = run_command("--entry-script", name, "--check", cwd=tmp_path)

    assert checked.returncode == 3
    assert reason.format(tmp_path) in checked.stderr
    assert "Traceback" not in checked.stderr


SHAPES = {
    "defaults": "def run(raw_data, more=1): return [raw_data, more]",
    "keyword_only": "def run(*, raw_data): return [raw_data, 1]",
    "lambda": "run = lambda data: [data, 1]",
    "callable_object": (
        "class Model:\n    def __call__(self, data): return [data, 1]\nrun = Model()"
    ),
    "bound_method": "class Model:\n    def go(self, data): return [data, 1]\nrun = Model().go",
    "partial": (
        "import functools\ndef go(more, data): return [data, more]\nrun = functools.partial(go, 1)"
    ),
    "wrapped": (
        "import functools\ndef twice(function):\n    @functools.wraps(function)\n"
        "    def inner(*rows, **more): return function(*rows, **more)\n    return inner\n"
        "@twice\ndef run(data): return [data, 1]"
    ),
    "headers_last": (
        "def run(data, request_headers): return [data, int(request_headers['X-Own'])]"
    ),
    "headers_first": (
        "def run(request_headers, data): return [data, int(request_headers['X-Own'])]"
    ),
    "set_by_init": "run = None\ndef init():\n    pass\ndef run(data): return [data, 1]",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_run_may_have_every_shape_whose_parameters_have_names(serve, shape):
    server = serve(INIT + SHAPES[shape]).wait_until_ready()

    answer = server.score("x", headers={"X-Own": "1"})

    assert answer.json() == ["x", 1]


MODULE = """
import pickle, sys
import beside, in_root, in_source

class Model:
    value = 7

def init():
    pass

def run(raw_data):
    module = sys.modules[Model.__module__]
    return {
        "pickled": pickle.loads(pickle.dumps(Model())).value,
        "imported": [beside.name, in_root.name, in_source.name],
        "registered": module.run is run and __name__ == module.__name__ != "__main__",
        "file": __file__,
    }
"""


def test_a_script_is_a_module_like_any_other_and_imports_what_is_around_it(tmp_path):
    files = {
        "code/deep/er/score.py": MODULE,
        "code/deep/er/beside.py": "name = 'beside'",
        "code/in_source.py": "name = 'source'",
        "in_root.py": "name = 'root'",
    }
    script = "code/deep/er/score.py"
    with running(tmp_path, "", files=files, AZUREML_ENTRY_SCRIPT=script) as server:
        answer = server.wait_until_ready().score()

    assert answer.json() == {
        "pickled": 7,
        "imported": ["beside", "root", "source"],
        "registered": True,
        "file": str(tmp_path / "azureml-app" / script),
    }


def test_a_dataclass_of_the_script_may_have_its_annotations_as_text(serve):
    if server_versions()["python"] < Version("3.7"):
        pytest.skip("the server's Python is older than `from __future__ import annotations`")
    server = serve(
        "from __future__ import annotations\n"
        "import dataclasses, typing\n"
        "@dataclasses.dataclass\n"
        "class Row:\n    names: list[str]\n    kind: typing.ClassVar[int] = 3\n"
        + INIT
        + "def run(raw_data): return [dataclasses.asdict(Row([raw_data])), Row.kind]"
    )

    answer = server.wait_until_ready().score("x")

    assert answer.json() == [{"names": ["x"]}, 3]


def test_a_driver_script_is_initialised_and_the_module_it_names_runs(serve):
    server = serve(
        "import inner as driver_module\n"
        "def init(): driver_module.model = 'outer'\n"
        "def run(raw_data): return 'not this one'",
        files={"code/inner.py": "def run(raw_data, more=0): return [model, raw_data]"},
    ).wait_until_ready()

    answer = server.score("x")

    assert answer.json() == ["outer", "x"]


def test_swagger_files_in_the_root_take_the_place_of_ours_where_they_hold_something(tmp_path):
    files = {
        "swagger.json": '["plain"]',
        "swagger2.json": '["two"]',
        "swagger3.json": "{}",
        "swagger3.1.json": '{"é": "three one"}',
        "code/swagger2.json": '["not from here"]',
    }
    with running(tmp_path, ECHO, files=files) as server:
        url = f"{server.wait_until_ready().url}/swagger.json"
        got = [requests.get(f"{url}?version={each}", timeout=20).json() for each in (2, 3, 3.1)]

    assert (got[0], got[1]["openapi"], got[2]) == (["plain"], "3.0.3", {"é": "three one"})


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("swagger3.json", '{"openapi"', "swagger3.json: not JSON: "),
        ("logging.json", '{"version"', "logging.json: not a configuration of the logging module: "),
        ("logging.json", "[1]", "logging.json: not a configuration of the logging module: "),
        ("logging.json", json.dumps({"version": 7}), "logging.json: not a configuration of the"),
    ],
)
def test_a_broken_file_beside_the_script_is_refused_by_its_path(tmp_path, name, text, reason):
    write_files(tmp_path, {name: text})

    checked = check_script(tmp_path, ECHO)

    assert checked.returncode == 3
    assert f"{tmp_path}/{reason}" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_script_that_cannot_start_ends_the_server_with_3(tmp_path):
    with running(tmp_path, "def run(raw_data): pass") as server:
        status = server.exit_code()

        assert status == 3
        wait_for_log(server, r"E \[\d+\] azmlinfsrv - .*/code/score.py defines no function init")
        assert "Traceback" not in server.log()
