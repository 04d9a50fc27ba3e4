import json
import signal
import socket
import tempfile
from pathlib import Path

import pytest
import requests

from serving import (
    ECHO,
    EVALUATE,
    READY_WITHIN,
    check_script,
    covers,
    running,
    wait_for_log,
)


def get(url, **settings):
    return requests.get(url, timeout=20, **settings)


@covers("SCOREDOCK_BIND")
def test_the_server_listens_at_the_address_and_port_it_is_given(tmp_path, port):
    with running(tmp_path, ECHO, SCOREDOCK_BIND=f"127.0.0.1:{port}") as server:
        server.wait_until_ready()

        assert server.url == f"http://127.0.0.1:{port}"
        with pytest.raises(requests.ConnectionError):
            get(f"http://127.0.0.2:{port}")


@covers("SCOREDOCK_BIND")
def test_the_server_listens_at_an_address_of_version_6(tmp_path, port):
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").read_text().strip():
        pytest.skip("this machine has no IPv6")
    with running(tmp_path, ECHO, SCOREDOCK_BIND=f"[::1]:{port}") as server:
        wait_for_log(server, "ready for serving traffic")

        assert get(f"http://[::1]:{port}").text == "Healthy"


@covers("SCOREDOCK_BIND")
def test_the_server_listens_at_a_unix_socket(tmp_path):
    # The path of a socket has 107 characters at most, and that of a test's folder may have more.
    with (
        tempfile.TemporaryDirectory() as folder,
        running(tmp_path, ECHO, SCOREDOCK_BIND=f"unix:{folder}/socket") as server,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        wait_for_log(server, "ready for serving traffic")

        connection.connect(f"{folder}/socket")
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


@covers("SEPERATE_HEALTH_ENDPOINT", "HEALTH_PORT")
@pytest.mark.parametrize("bind", ["127.0.0.1:0", "unix:scoring.sock"])
def test_the_health_port_answers_too_where_it_is_asked_for(tmp_path, port, bind):
    variables = {"SEPERATE_HEALTH_ENDPOINT": "true", "HEALTH_PORT": str(port)}
    with running(tmp_path, ECHO, SCOREDOCK_BIND=bind, **variables) as server:
        wait_for_log(server, "ready for serving traffic")

        assert get(f"http://127.0.0.1:{port}").text == "Healthy"


@covers("SEPERATE_HEALTH_ENDPOINT", "HEALTH_PORT")
def test_the_health_port_alone_does_nothing(tmp_path, port):
    with running(tmp_path, ECHO, HEALTH_PORT=str(port)) as server:
        server.wait_until_ready()

        with pytest.raises(requests.ConnectionError):
            get(f"http://127.0.0.1:{port}")


@covers("AML_CORS_ORIGINS")
def test_pages_of_the_origins_that_are_listed_may_read_answers(tmp_path):
    listed = r"https://a.example, https://.*\.b\.example"
    origins = ["https://a.example", "https://x.b.example", "https://c.example"]
    with running(tmp_path, ECHO, AML_CORS_ORIGINS=listed) as server:
        server.wait_until_ready()

        answers = [server.score(headers={"Origin": origin}) for origin in origins]

    allowed = [answer.headers.get("Access-Control-Allow-Origin") for answer in answers]
    assert allowed == ["https://a.example", "https://x.b.example", None]


@covers("WORKER_COUNT")
def test_each_worker_runs_init_itself(tmp_path):
    script = "import os\ndef init(): open(os.environ['OUT'], 'a').write('.')\ndef run(x): pass"
    with running(tmp_path, script, WORKER_COUNT="2") as server:
        wait_for_log(server, "ready for serving traffic", count=2)

    assert (tmp_path / "out").read_text() == ".."


@covers("WORKER_PRELOAD")
def test_preloaded_workers_share_one_init(tmp_path):
    script = "import os\ndef init(): print('init', os.getpid())\ndef run(x): return os.getppid()"
    with running(tmp_path, script, WORKER_COUNT="2", WORKER_PRELOAD="true") as server:
        master = server.wait_until_ready().score().json()

        assert wait_for_log(server, r"azmlinfsrv\.print - (.*)") == [f"init {master}"]


@covers("SCOREDOCK_COMPATIBILITY", "SCOREDOCK_ENCODE_RESULTS", "SCOREDOCK_FULL_ERROR_HEADERS")
@pytest.mark.parametrize(
    ("variables", "encodes", "headers"),
    [
        ({}, False, False),
        ({"SCOREDOCK_COMPATIBILITY": "reference"}, False, False),
        ({"SCOREDOCK_COMPATIBILITY": "Improved"}, True, True),
        ({"SCOREDOCK_ENCODE_RESULTS": "true"}, True, False),
        ({"SCOREDOCK_FULL_ERROR_HEADERS": "1"}, False, True),
        ({"SCOREDOCK_COMPATIBILITY": "improved", "SCOREDOCK_ENCODE_RESULTS": "no"}, False, True),
    ],
)
def test_each_improvement_can_be_had_alone_or_left_out(tmp_path, variables, encodes, headers):
    with running(tmp_path, EVALUATE, **variables) as server:
        server.wait_until_ready()

        assert server.score("{1}").status_code == (200 if encodes else 500)
        assert ("Allow" in requests.post(server.url, timeout=20).headers) == headers


@covers("SCOREDOCK_SCHEMA_ERRORS_AS_400")
@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"SCOREDOCK_SCHEMA_ERRORS_AS_400": "on"}, 400),
        ({"SCOREDOCK_COMPATIBILITY": "improved", "SCOREDOCK_SCHEMA_ERRORS_AS_400": "off"}, 500),
    ],
)
@pytest.mark.needs("inference_schema")
def test_whose_mistake_a_value_is_that_does_not_fit_the_schema_can_be_chosen(
    tmp_path, variables, status
):
    script = (
        "from inference_schema.parameter_types.standard_py_parameter_type import *\n"
        "from inference_schema.schema_decorators import input_schema\n"
        "def init(): pass\n"
        "@input_schema('count', StandardPythonParameterType(1))\n"
        "def run(count): return count\n"
    )
    with running(tmp_path, script, **variables) as server:
        answer = server.wait_until_ready().score(
            '{"count": "x"}', headers={"Content-Type": "application/json"}
        )

    assert answer.status_code == status


@covers("SCOREDOCK_NAN_AS_NULL")
@pytest.mark.parametrize("mode", ["reference", "improved"])
def test_what_is_not_a_number_can_be_null(tmp_path, mode):
    values = "[float('nan'), 1.5, {'a': (float('inf'), [float('-inf')])}]"
    switches = {"SCOREDOCK_NAN_AS_NULL": "true", "SCOREDOCK_COMPATIBILITY": mode}
    with running(tmp_path, EVALUATE, **switches) as server:
        answers = [server.wait_until_ready().score(text) for text in (values, "float('nan')")]
        mixed = server.score("[float('nan'), {1}]")

    assert [answer.text for answer in answers] == ['[null, 1.5, {"a": [null, [null]]}]', "null"]
    assert (mixed.status_code, mixed.text) == (200, "[null, [1]]") or mode == "reference"


@covers("SCOREDOCK_NAN_AS_NULL")
@pytest.mark.needs("numpy", "pandas")
def test_what_is_not_a_number_can_be_null_in_arrays_and_tables(tmp_path):
    switches = {"SCOREDOCK_NAN_AS_NULL": "true", "SCOREDOCK_ENCODE_RESULTS": "true"}
    nan = "float('nan')"
    with running(tmp_path, EVALUATE, **switches) as server:
        server.wait_until_ready()
        array = server.score(f"[numpy.array([1, {nan}], 'float32'), numpy.float64({nan})]")
        table = server.score(f"pandas.DataFrame({{'a': [1.5, {nan}]}})")

    assert (array.json(), table.json()) == ([[1.0, None], None], [{"a": 1.5}, {"a": None}])


@covers("SERVER_VERSION_LOG_RESPONSE_ENABLED", "HTTP_X_MS_SERVER_VERSION")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"HTTP_X_MS_SERVER_VERSION": "mine/2", "SERVER_VERSION_LOG_RESPONSE_ENABLED": "TRUE"},
            "mine/2",
        ),
        (
            {"HTTP_X_MS_SERVER_VERSION": "mine/2", "SERVER_VERSION_LOG_RESPONSE_ENABLED": "yes"},
            None,
        ),
    ],
)
def test_the_version_in_answers_can_be_replaced_or_left_out(tmp_path, variables, expected):
    with running(tmp_path, ECHO, **variables) as server:
        answer = server.wait_until_ready().score()

    assert answer.headers.get("x-ms-server-version") == expected


@covers("SERVICE_NAME", "SERVICE_VERSION", "SERVICE_PATH_PREFIX")
@pytest.mark.parametrize("prefix", ["api/v1", "/api/v1/"])
def test_swagger_shows_the_services_name_version_and_prefix(tmp_path, prefix):
    names = {"SERVICE_NAME": 'my "best" é', "SERVICE_VERSION": "7", "SERVICE_PATH_PREFIX": prefix}
    with running(tmp_path, ECHO, **names) as server:
        url = server.wait_until_ready().url
        documents = [get(f"{url}/swagger.json?version={each}").json() for each in ("2", "3", "3.1")]

        assert {document["info"]["title"] for document in documents} == {'my "best" é'}
        assert {document["info"]["version"] for document in documents} == {"7"}
        assert {tuple(sorted(document["paths"])) for document in documents} == {
            ("/api/v1/", "/api/v1/score", "/api/v1/swagger.json")
        }
        assert get(f"{url}/api/v1/score").status_code == 404


@covers("AZUREML_DEBUG_PORT")
@pytest.mark.needs("debugpy")
def test_a_debugger_is_connected_to_before_the_script_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as debugger:
        debugger.settimeout(READY_WITHIN)
        port = debugger.getsockname()[1]
        with running(tmp_path, "print('loaded')", AZUREML_DEBUG_PORT=str(port)) as server:
            debugger.accept()[0].close()

            assert "loaded" not in server.log()


@covers("AZUREML_DEBUG_PORT")
@pytest.mark.needs("debugpy")
def test_a_debugger_that_is_not_there_ends_the_server_with_3_and_says_so(tmp_path, port):
    checked = check_script(tmp_path, ECHO, AZUREML_DEBUG_PORT=str(port))

    assert checked.returncode == 3
    assert f"AZUREML_DEBUG_PORT={port}: no debugger listens there" in checked.stderr


@covers("AZUREML_DEBUG_PORT")
def test_a_package_that_is_not_there_is_named(tmp_path):
    (tmp_path / "debugpy.py").write_text("raise ImportError('as if it were not installed')")

    checked = check_script(tmp_path, ECHO, AZUREML_DEBUG_PORT="5678")

    assert checked.returncode == 3
    assert "AZUREML_DEBUG_PORT=5678: the package debugpy is not installed" in checked.stderr


COLLECT = """
from azureml.ai.monitoring import Collector

def init():
    global inputs
    inputs = Collector(name="inputs")

def run(raw_data):
    inputs.collect([raw_data * 600000])
"""


@covers("SCOREDOCK_COLLECT_DIR", "SCOREDOCK_COLLECT_MAX_MB", "SCOREDOCK_COLLECT_FILES")
def test_what_is_collected_is_kept_in_the_folder_within_its_bounds(tmp_path):
    bounds = {"SCOREDOCK_COLLECT_MAX_MB": "1", "SCOREDOCK_COLLECT_FILES": "2"}
    with running(tmp_path, COLLECT, SCOREDOCK_COLLECT_DIR="kept", **bounds) as server:
        server.wait_until_ready()
        for letter in "abcde":
            server.score(letter)
        server.process.send_signal(signal.SIGTERM)
        server.exit_code()

    kept = tmp_path / "azureml-app" / "kept"
    found = {
        path.name: json.loads(path.read_text())["data"][0][0] for path in kept.glob("inputs.*")
    }
    assert found == {"inputs.jsonl": "e", "inputs.jsonl.1": "d", "inputs.jsonl.2": "c"}


@covers("SCOREDOCK_COLLECT_SAMPLE_PERCENT", "SCOREDOCK_COLLECT_DIR")
@pytest.mark.parametrize(
    "variables",
    [{"SCOREDOCK_COLLECT_DIR": "kept", "SCOREDOCK_COLLECT_SAMPLE_PERCENT": "0"}, {}],
)
def test_nothing_is_kept_of_no_percent_or_without_a_folder(tmp_path, variables):
    with running(tmp_path, COLLECT, **variables) as server:
        assert server.wait_until_ready().score("a").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        server.exit_code()

    assert not list(tmp_path.rglob("*.jsonl*"))
