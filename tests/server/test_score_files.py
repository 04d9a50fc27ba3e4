import json

import pytest

from serving import ECHO, run_command, write_files

RAW = """\
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

@rawhttp
def run(request):
    body = request.get_data()
    if body == b"stream":
        def lines():
            yield b"one\\n"
            raise ValueError("broke off")
        return AMLResponse(lines(), 200)
    status = 201 if request.method == "POST" else 500
    return AMLResponse(body + b"\\0", status, {"Content-Type": "application/octet-stream"})
"""


@pytest.fixture
def score(tmp_path):
    def score(script, *names):
        write_files(tmp_path, {"score.py": script})
        return run_command("--entry-script", "score.py", "--score", *names, cwd=tmp_path)

    return score


def test_answers_alone_are_on_standard_output(score, tmp_path):
    write_files(tmp_path, {"one.json": '{"a": 1}', "two.json": "plain \u00e4"})

    scored = score(ECHO, "one.json", "two.json")

    assert scored.returncode == 0, scored.stderr
    assert [json.loads(line) for line in scored.stdout.splitlines()] == ['{"a": 1}', "plain \u00e4"]
    assert "POST /score 200" in scored.stderr


def test_an_answer_that_is_no_text_gets_no_end_of_line(score, tmp_path):
    write_files(tmp_path, {"request": "bytes"})

    scored = score(RAW, "request")

    assert (scored.returncode, scored.stdout) == (0, "bytes\0"), scored.stderr


def test_a_stream_that_breaks_off_is_no_answer(score, tmp_path):
    write_files(tmp_path, {"request": "stream"})

    scored = score(RAW, "request")

    assert scored.returncode == 1
    assert "ValueError: broke off" in scored.stderr
    assert "request was answered with 500" in scored.stderr


def test_a_script_that_cannot_start_has_the_servers_exit_status(score, tmp_path):
    write_files(tmp_path, {"request": "1"})

    scored = score("def init(): raise OSError('no disk')\ndef run(x): pass\n", "request")

    assert (scored.returncode, scored.stdout) == (3, "")
    assert "OSError: no disk" in scored.stderr


def test_a_file_that_is_missing_is_said_before_the_script_is_loaded(score):
    scored = score("raise SystemExit('loaded')\n", "absent.json")

    assert scored.returncode == 1
    assert scored.stderr == "scoredock-server: error: absent.json: no such file\n"
