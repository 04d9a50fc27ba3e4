import json
import re

import pytest

from serving import ECHO, EVALUATE, check_script, run_command, running, wait_for_log, write_files
from support import ROOT

PAGE = (ROOT / "docs" / "server-settings.md").read_text()
FLAGS = [
    "--port",
    "--check",
    "--score",
    "--settings",
    "--version",
    *re.findall("`(--[a-z-]+) [A-Z]+`", PAGE),
]


@pytest.fixture
def script(tmp_path):
    write_files(tmp_path, {"score.py": ECHO})
    return tmp_path


def test_help_names_every_flag_and_its_variable_and_exits_with_0(tmp_path):
    asked = run_command("--help", cwd=tmp_path)

    assert (asked.returncode, asked.stderr) == (0, "")
    assert set(FLAGS) <= set(re.findall("--[a-z-]+", asked.stdout))
    for name in re.findall("`([A-Z_]+)` `--", PAGE):
        assert f"[{name}]" in asked.stdout


def test_version_is_that_of_the_answers(tmp_path):
    asked = run_command("--version", cwd=tmp_path)

    assert asked.returncode == 0
    assert f"`scoredock-server/{asked.stdout.strip()}`" in PAGE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no entry script: name it with --entry-script"),
        (["--entry-script"], "expected one argument"),
        (["--no-such-flag"], "unrecognized arguments: --no-such-flag"),
        (["--entry-script", "score.py", "more"], "unrecognized arguments: more"),
        (["--entry-script", "score.py", "--port", "0"], "--port 0: expected a whole number"),
        (["--entry-script", "score.py", "--port", "http"], "--port http: expected a whole number"),
    ],
)
def test_bad_usage_exits_with_1_and_says_what_is_wrong(script, arguments, message):
    ended = run_command(*arguments, cwd=script)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("joined", [" ", "="])
@pytest.mark.parametrize(
    "spell",
    [
        lambda flag: flag,
        lambda flag: "--" + flag[2:].replace("-", "_"),
        lambda flag: flag[:6],  # no other flag begins so
    ],
    ids=["dashes", "underscores", "shortened"],
)
def test_flags_may_have_dashes_or_underscores_or_be_shortened(script, spell, joined):
    values = {
        "--entry-script": "score.py",
        "--model-dir": "models",
        "--config-file": "absent.json",
        "--health-port": "5002",
        "--access-control-allow-origins": "*",
        "--worker-count": "2",
    }
    arguments = " ".join(spell(flag) + joined + value for flag, value in values.items())

    checked = run_command(*arguments.split(), "--check", cwd=script)

    assert checked.returncode == 0, checked.stderr
    assert re.search(r"model folder +models \(AZUREML_MODEL_DIR\)", checked.stdout)


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ([], {}, "0.0.0.0:5001"),
        (["--port", "80"], {}, "0.0.0.0:80"),
        (["--bind", "127.0.0.1:80"], {}, "127.0.0.1:80"),
        (["--bind", "127.0.0.1", "--port", "80"], {}, "127.0.0.1:80"),
        (["--port", "80"], {"SCOREDOCK_BIND": "127.0.0.1:5001"}, "127.0.0.1:80"),
        (["--bind", "[::1]:80"], {"SCOREDOCK_BIND": "127.0.0.1:5001"}, "[::1]:80"),
        (["--port", "80"], {"SCOREDOCK_BIND": "[::]:5001"}, "[::]:80"),
        (["--bind", "[::1]", "--port", "80"], {}, "[::1]:80"),
        (["--bind", "127.0.0.1"], {}, "127.0.0.1:5001"),
        (["--bind", "[::1]"], {}, "[::1]:5001"),
        (["--bind", "unix:scoring.sock"], {}, "unix:scoring.sock"),
    ],
)
def test_where_it_listens_is_made_of_the_address_and_the_port(
    script, arguments, variables, expected
):
    checked = run_command(
        "--entry-script", "score.py", "--check", *arguments, cwd=script, **variables
    )

    assert checked.returncode == 0, checked.stderr
    assert re.search(r"listens on +(.*)", checked.stdout)[1] == expected


def test_the_entry_script_of_the_flag_is_relative_to_the_working_directory(script):
    (script / "link.py").symlink_to("score.py")
    (script / "root").mkdir()

    checked = run_command(
        *["--entry-script", "link.py", "--check"], cwd=script, AML_APP_ROOT=str(script / "root")
    )

    assert re.search(r"entry script +(.*)", checked.stdout)[1] == str(script / "score.py")


def test_check_tells_what_a_plain_script_takes_and_what_its_model_folder_holds(tmp_path):
    write_files(tmp_path, {f"models/{number:02}": "" for number in range(25)})
    script = "def init(): pass\ndef run(data, top=3): pass"

    checked = check_script(tmp_path, script, AZUREML_MODEL_DIR="models")

    assert checked.returncode == 0
    shown = checked.stdout.splitlines()
    assert re.fullmatch(r"init\(\) +ran in \d+\.\d\d s", shown.pop(1))
    files = [f"{number:02}" for number in range(20)]
    assert [re.split("  +", line) for line in shown] == [
        ["entry script", str(tmp_path / "score.py")],
        ["run()", "takes the body's text as data"],
        ["", "data: required"],
        ["", "top: default 3"],
        ["model folder", "models (AZUREML_MODEL_DIR)"],
        *[["", name] for name in [*files, "and more"]],
        ["swagger", "2, 3, 3.1"],
        ["listens on", "0.0.0.0:5001"],
    ]


@pytest.mark.needs("inference_schema")
def test_check_shows_the_schema_of_each_parameter(tmp_path):
    script = (
        "from inference_schema.parameter_types.standard_py_parameter_type import *\n"
        "from inference_schema.schema_decorators import input_schema\n"
        "def init(): pass\n"
        "@input_schema('count', StandardPythonParameterType(1))\n"
        "def run(count, label='x', request_headers=None): pass\n"
    )

    checked = check_script(tmp_path, script)

    assert checked.returncode == 0, checked.stderr
    assert "takes count, label from a JSON object, by its schema and the request's headers" in (
        checked.stdout
    )
    shape = re.search(r" count: (\{.*\}), required\n", checked.stdout)[1]
    assert json.loads(shape)["type"] == "integer"
    assert re.search(r" label: .*default 'x'\n", checked.stdout)


def test_check_says_that_a_script_takes_the_request_itself(tmp_path):
    checked = check_script(
        tmp_path,
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "def init(): pass\n@rawhttp\ndef run(request): pass",
    )

    assert checked.returncode == 0, checked.stderr
    assert "takes the request as request" in checked.stdout


def test_check_of_a_script_that_fails_exits_with_3_and_reports_nothing(tmp_path):
    checked = check_script(
        tmp_path, "def run(data): pass\ndef init(): raise ValueError('no model')"
    )

    assert (checked.returncode, checked.stdout) == (3, "")
    assert "ValueError: no model" in checked.stderr
    assert checked.stderr.splitlines()[-1] == (
        "scoredock-server: the service would not start (see above)"
    )


def test_what_a_script_prints_is_not_in_the_report_of_check(tmp_path):
    checked = check_script(tmp_path, "print('noise')\n" + ECHO)

    assert "noise" in checked.stderr
    assert "noise" not in checked.stdout


def test_gunicorns_own_arguments_are_honoured_and_win(tmp_path):
    arguments = "--threads 2 --workers 2 --limit-request-line 200"
    with running(tmp_path, EVALUATE, WORKER_COUNT="1", GUNICORN_CMD_ARGS=arguments) as server:
        server.wait_until_ready()

        assert server.score("threading.current_thread() is threading.main_thread()").json() is False
        assert server.score(params={"a": "x" * 200}).status_code in (400, 414)
        wait_for_log(server, "Using worker: gthread")
        wait_for_log(server, "ready for serving traffic", count=2)


def test_a_gunicorn_configuration_in_the_working_directory_is_honoured(tmp_path):
    files = {"gunicorn.conf.py": "raw_env = ['FROM_CONFIGURATION=1']\nworkers = 2\n"}
    with running(tmp_path, EVALUATE, files=files) as server:
        answer = server.wait_until_ready().score("os.environ['FROM_CONFIGURATION']")

        assert answer.json() == "1"
        wait_for_log(server, "ready for serving traffic", count=2)


def test_the_servers_arguments_are_not_gunicorns_nor_the_scripts(tmp_path):
    flags = ["--worker-count", "1"]
    with running(tmp_path, EVALUATE, *flags) as server:
        answer = server.wait_until_ready().score("sys.argv[1:]")

    assert answer.json() == []
